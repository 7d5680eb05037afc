import Glibc
import Headway

/// A worker process of the fault suite: plays jobs through the real library, and writes down what it said.
///
///     FaultPublisher URL DIARY NAME SEED DIRECTORY TASKS PAUSE-MS
///
/// When DIRECTORY/drain appears it ends its jobs, at DIRECTORY/judged those that stand still on purpose, and waits
/// until everything is applied; when DIRECTORY/close appears it closes. Its standard output tells both.
@main
struct FaultPublisher {
    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count == 8, let seed = UInt64(words[4]), let tasks = Int(words[6]),
            let pause = Int(words[7])
        else {
            print("usage: FaultPublisher URL DIARY NAME SEED DIRECTORY TASKS PAUSE-MS")
            exit(2)
        }
        let (name, directory) = (words[3], words[5])
        var options = Headway.Options(worker: name)
        options.tickInterval = .milliseconds(5)
        options.longestBackoff = .seconds(2)
        options.replyTimeout = .seconds(2)
        options.connectTimeout = .seconds(60)
        let headway = try await Headway.connect(words[1], options: options)
        let diary = Diary(path: words[2])

        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var work = Work(
                        headway: headway, diary: diary, name: "\(name)-\(task)",
                        pause: .milliseconds(pause), dice: Dice(seed: seed &* 1_000_003 &+ UInt64(task)))
                    while !exists("\(directory)/drain") {
                        await work.playBulk()
                        // No more than the aggregators of this machine can work off: else all that is tried is a
                        // backlog, and workers whose heartbeats wait in it.
                        while headway.statistics.unapplied > 3_000, !exists("\(directory)/drain") {
                            try? await Task.sleep(for: .milliseconds(20))
                        }
                    }
                }
            }
            for number in 0..<12 {
                let course: Vigil.Course = number < 5 ? .steady : number < 8 ? .stuck : .silent
                let vigil = Vigil(
                    headway: headway, diary: diary, id: "\(name)-v\(number)-\(course)", course: course,
                    directory: directory)
                group.addTask {
                    // Some begin when much has happened already.
                    for _ in 0..<(number % 4) * 20 where !exists("\(directory)/drain") {
                        try? await Task.sleep(for: .milliseconds(100))
                    }
                    await vigil.run()
                }
            }
            await group.waitForAll()
        }
        diary.note("D", name, "played")
        var patience = 1_200
        while patience > 0 {
            try? await headway.flush(within: .seconds(1))
            let statistics = headway.statistics
            if statistics.unapplied == 0, statistics.unacknowledged == 0 { break }
            patience -= 1
            try? await Task.sleep(for: .milliseconds(100))
        }
        say(headway.statistics, "drained")
        while !exists("\(directory)/close") { try? await Task.sleep(for: .milliseconds(50)) }
        say(headway.statistics, "closing")
        do {
            try await headway.close(within: .seconds(20))
        } catch {
            print("close: \(error)")
            exit(1)
        }
        print("closed")
    }

    private static func say(_ statistics: Headway.Statistics, _ what: String) {
        let marks = statistics.marks.map(String.init).joined(separator: ",")
        print(
            what, statistics.events, statistics.unapplied, statistics.sent, statistics.resent,
            statistics.rollbacks, statistics.lost, statistics.evicted, statistics.connections, marks)
        fflush(nil)
    }
}
