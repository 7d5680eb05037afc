// The types of pipeline book. Made by
//   headway pipelines types --typescript book.json
// Do not edit; make it anew when the pipeline changes.

/** The stages, in order. */
export type BookStage = "ANALYZING" | "GENERATING_SCENES" | "CREATING_ARTWORK";

/** The words of the API itself. */
export type BookRawStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** The words of this pipeline's views. */
export type BookStatus = "UPLOADED" | BookStage | "COMPLETED" | "FAILED";

/** `GET /v1/jobs/{id}` */
export interface BookSnapshot {
  id: string;
  pipeline: "book";
  bulk: string | null;
  label: string | null;
  status: "queued" | "running" | "completed" | "failed" | "cancelled";
  health: "ok" | "slow" | "suspect" | "stalled" | "lost";
  reason: string | null;
  percent: number;
  message: string | null;
  attempt: number;
  worker: string | null;
  cancelRequested: boolean;
  stage: {
    id: BookStage;
    label: string;
    percent: number;
    done: number | null;
    total: number | null;
    index?: number | null;
    of?: number | null;
    attempt: number;
    startedAt: string;
  } | null;
  completedStages: BookStage[];
  skippedStages: BookStage[];
  substeps: {
    id: string;
    done?: number;
    total?: number;
    percent?: number;
  }[];
  result: string | null;
  error: {
    message: string;
    code: string | null;
    stage: string | null;
  } | null;
  attributes: Record<string, string>;
  createdAt: string;
  startedAt: string | null;
  updatedAt: string;
  finishedAt: string | null;
  elapsedSeconds: number | null;
  eta: {
    seconds: number;
    high: number;
    at: string;
    basis: string;
  } | null;
  etaReason: string | null;
  epoch: string;
  version: number;
  asOf: string | null;
  lagMs: number;
  stale?: true;
}

/** `GET /v1/jobs/{id}/events`, by the event's name */
export interface BookStreamEvents {
  job: BookSnapshot;
  unknown: {
    kind: "job";
    id: string;
    status: null;
  };
  expired: {
    kind: "job";
    id: string;
    status: "completed" | "failed" | "cancelled";
    expired: true;
    finishedAt: string;
  };
  unauthorized: {
    kind: "job";
    id: string;
  };
  complete: {
    jobs: Record<string, string>;
    bulks: Record<string, string>;
  };
  bye: {
    retryMs: number;
  };
}

/** `GET /api/books/{job}/status` */
export interface BookBooksStatusResponse {
  id: string;
  status: BookStatus;
  overall_progress: number;
  current_stage: BookStage | null;
  stage_progress: number;
  completed_stages: BookStage[];
  substeps: {
    name: string;
    done: number | null;
    total: number | null;
    percent: number;
  }[];
  message: string | null;
  error: {
    message: string | null;
    code: string | null;
    stage: string | null;
  } | {
    message: "Cancelled";
    code: "cancelled";
    stage: BookStage | null;
  } | null;
  attempt: number;
  updated_at: string;
}

/** What `/api/books/{job}/status` answers otherwise */
export type BookBooksStatusError = {
  error: "Book not found";
} | {
  error: "Book status expired";
} | {
  error: "Unauthorized";
} | {
  error: "Try again";
};

/** The event stream of `/api/books/{job}/events`, by the event's name */
export interface BookBooksEvents {
  status: {
    id: string;
    status: BookStatus;
    overall_progress: number;
    current_stage: BookStage | null;
    stage_progress: number;
    completed_stages: BookStage[];
    substeps: {
      name: string;
      done: number | null;
      total: number | null;
      percent: number;
    }[];
    message: string | null;
    error: {
      message: string | null;
      code: string | null;
      stage: string | null;
    } | {
      message: "Cancelled";
      code: "cancelled";
      stage: BookStage | null;
    } | null;
    attempt: number;
    updated_at: string;
  };
  end: {
    id: string;
    status: BookStatus;
    result: string | null;
  };
  problem: {
    error: "Book not found";
  };
}

/** What `/api/books/{job}/events` answers otherwise */
export interface BookBooksEventsError {
  error: "Unauthorized";
}
