import HeadwayCore

/// What time does to jobs: judgements on silence, the end of what is kept, and room for what comes.
extension MemoryState {
    /// Lets time pass: everything that is due by then happens, each thing at its own time.
    mutating func advance(to time: Timestamp) {
        pass(to: time)
        while let entry = deadlines.pop(dueAt: now) {
            switch entry.subject {
            case .job(let id):
                guard lines[id]?.queued == entry.at else { continue }
                lines[id]?.queued = nil
                fire(id, upTo: now)
                look(ahead: id)
            case .bulk(let id):
                guard bulks[id]?.queued == entry.at else { continue }
                bulks[id]?.queued = nil
                expire(id, upTo: now)
            }
        }
        runErrands()
    }

    /// Everything about one job that is due at or before `time`.
    mutating func fire(_ id: JobID, upTo time: Timestamp) {
        guard let line = lines[id], let due = line.due, due <= time else { return }
        for key in line.keys { beat(key, upTo: time) }
        while let due = lines[id]?.due, due <= time {
            switch lines[id]?.record {
            case .job(let job) where job.status.isTerminal:
                lines[id]?.record = .expired(JobRecord.Tombstone(of: job))
                lines[id]?.keys = []
                counters.expired += 1
                changed.insert(.job(id))
                look(ahead: id)
            case .job, .placeholder:
                guard
                    let outcome = lines[id]?.record.fire(id, at: time, catalog: catalog),
                    outcome.isRecordChanged
                else { return look(ahead: id) }
                note(outcome, id, at: due)
            case .expired, .unknown, nil: remove(id)
            }
        }
    }

    /// A living handle says so each interval. Only the last beat is said: none before it could change anything,
    /// since a beat that comes in time leaves no trace but its time.
    private mutating func beat(_ key: Int, upTo time: Timestamp) {
        guard let job = open[key] else { return }
        let beatAt = beat(job, upTo: time)
        open[key]?.beatAt = beatAt
    }

    @discardableResult
    mutating func beat(_ job: OpenJob, upTo time: Timestamp) -> Timestamp {
        let interval = max(job.heartbeat.wholeMilliseconds, 1)
        let beats = (time - job.beatAt).wholeMilliseconds / interval
        guard beats > 0, let line = lines[job.id], case .job = line.record else { return job.beatAt }
        let at = job.beatAt + .milliseconds(beats * interval)
        let event = ProgressEvent(job.id, .heartbeat(worker: job.worker), attempt: job.attempt)
        guard let outcome = lines[job.id]?.record.apply(job.id, event, at: at, catalog: catalog) else {
            return at
        }
        // A beat of an attempt that is over says nothing, and is no mistake of anybody's.
        note(outcome, job.id, at: at)
        return at
    }

    /// Makes what is known of a living job's last sign of life as new as it can be.
    mutating func breathe(_ id: JobID) {
        for key in lines[id]?.keys ?? [] { beat(key, upTo: now) }
    }

    // MARK: Looking ahead

    /// Notes when time will next do something to a job.
    mutating func look(ahead id: JobID) {
        guard let line = lines[id] else { return }
        let due = due(line.record)
        if due != line.due { lines[id]?.due = due }
        guard let due, line.queued.map({ due < $0 }) ?? true else { return }
        lines[id]?.queued = due
        deadlines.add(.job(id), at: due)
        tidyDeadlines()
    }

    private func due(_ record: JobRecord) -> Timestamp? {
        switch record {
        case .unknown: nil
        case .placeholder: record.nextDeadline(catalog: catalog)
        case .job(let job):
            if job.status.isTerminal {
                (job.finishedAt ?? job.updatedAt) + retention(of: job.pipeline)
            } else {
                record.nextDeadline(catalog: catalog)
            }
        case .expired(let tombstone):
            tombstone.finishedAt + (retention(of: tombstone.pipeline) + limits.tombstoneRetention)
        }
    }

    private func retention(of pipeline: Pipeline.Reference) -> Duration {
        catalog[pipeline]?.retention.finished ?? Pipeline.Retention().finished
    }

    /// Entries that are not true any more must not pile up.
    mutating func tidyDeadlines() {
        guard deadlines.count > 4 * (lines.count + bulks.count) + 64 else { return }
        var entries: [DeadlineQueue.Entry] = []
        for (id, line) in lines {
            lines[id]?.queued = line.due
            if let due = line.due { entries.append(DeadlineQueue.Entry(at: due, subject: .job(id))) }
        }
        for (id, line) in bulks {
            bulks[id]?.queued = line.due
            if let due = line.due { entries.append(DeadlineQueue.Entry(at: due, subject: .bulk(id))) }
        }
        deadlines = DeadlineQueue(entries)
    }

    // MARK: Room

    mutating func remove(_ id: JobID) {
        guard let line = lines.removeValue(forKey: id) else { return }
        if let (bulk, _) = line.record.contribution {
            bulks[bulk]?.members.remove(id)
            bulks[bulk]?.running.remove(id)
        }
        changed.insert(.job(id))
    }

    /// Lets go of what ended first, tombstones before jobs; what is open stays.
    mutating func makeRoomForJob() throws(HeadwayError) {
        guard lines.count >= limits.jobs else { return }
        let ended = lines.compactMap { id, line -> (isJob: Bool, at: Timestamp, id: JobID)? in
            switch line.record {
            case .expired(let tombstone): (false, tombstone.finishedAt, id)
            case .job(let job) where job.status.isTerminal: (true, job.finishedAt ?? job.updatedAt, id)
            case .job, .placeholder, .unknown: nil
            }
        }
        guard !ended.isEmpty else {
            throw HeadwayError(
                .full,
                "\(limits.jobs) jobs are open, as many as this InMemoryHeadway holds: end some, or raise "
                    + "Options.mostJobs.")
        }
        let oldest = ended.sorted { ($0.isJob ? 1 : 0, $0.at, $0.id) < ($1.isJob ? 1 : 0, $1.at, $1.id) }
        for entry in oldest.prefix(max(1, limits.jobs / 16)) {
            remove(entry.id)
            counters.evicted += 1
        }
    }
}
