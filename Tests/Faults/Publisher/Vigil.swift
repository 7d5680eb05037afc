import Glibc
import Headway

/// Jobs that live long under short deadlines: who works is never judged, who is silent or stands still always is.
///
/// A course of its own, named in the diary, because how these end depends on judgements and not on words alone.
struct Vigil: Sendable {
    enum Course: String, CaseIterable {
        /// Reports twice a second until nothing more happens, then completes.
        case steady
        /// Begins, and its worker is gone.
        case silent
        /// Beats and never moves, until the judgements were looked at; then completes.
        case stuck
    }

    let headway: Headway
    let diary: Diary
    let id: String
    let course: Course
    /// Where `drain` and `judged` appear.
    let directory: String

    func run() async {
        let started = await diary.call("V", id, course.rawValue) {
            try await headway.start(pipeline: "vigil", id: id, in: nil, attempt: 1)
        }
        guard let job = started, course != .silent else { return }
        do {
            try await job.run(StageName("wait")) { stage in
                var count = 0
                while !exists("\(directory)/\(course == .steady ? "drain" : "judged")") {
                    count += 1
                    if course == .steady { stage.report(count, of: 1_000_000) }
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
            try await job.complete()
        } catch {
            diary.note("!", id, "V", "\(error)".replacing("\n", with: " "))
        }
    }
}

func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
