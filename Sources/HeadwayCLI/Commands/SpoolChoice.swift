import Headway
import HeadwayCore
import HeadwayWire

/// `--spool DIR`: events are kept in a directory until they are applied.
enum SpoolChoice {
    static let options = [
        Option(
            "spool", nil, .text("DIR"),
            "keep events there until they are applied, and send what dead processes left"),
        Option(
            "spool-sync", nil, .choice(Headway.SpoolSync.allCases.map(\.rawValue)),
            "when they are on the disk: each second, or before anything else happens", fallback: "everysec"),
    ]

    static func set(in options: inout Headway.Options, from arguments: Arguments) {
        options.spool = arguments.text("spool")
        options.spoolSync = arguments.text("spool-sync").flatMap(Headway.SpoolSync.init) ?? .everysec
    }

    private static func connect(_ invocation: Invocation) async throws -> Headway {
        var options = Headway.Options(namespace: invocation.arguments.text("namespace") ?? "hw")
        options.connectTimeout = .seconds(2)
        set(in: &options, from: invocation.arguments)
        return try await Headway.connect(RedisChoice.of(invocation).url, options: options)
    }

    // MARK: One event

    static func publish(
        _ event: ProgressEvent, _ directory: String, _ invocation: Invocation
    ) async throws -> ExitCode {
        let headway = try await connect(invocation)
        let stream = headway.keyspace.events(headway.keyspace.partition(of: event.subject))
        do {
            try await headway.append(event)
        } catch {
            try? await headway.close(within: .zero)
            throw error
        }
        try await headway.close()
        let statistics = headway.statistics
        let place = Printable.line(directory, limit: 200)
        if statistics.unapplied == 0 {
            // Folded, or refused for good: either way nobody has to send it again.
            Terminal.say("\(stream) taken in")
        } else if statistics.unacknowledged == 0 {
            Terminal.say("\(stream) stored, not applied yet; kept in \(place) until it is")
        } else {
            Terminal.say("\(stream) not reached; kept in \(place), and sent by whoever uses it next")
        }
        return .done
    }

    // MARK: What others left

    /// Sends everything that is in the directory and whose process has died.
    static func drain(_ directory: String, _ invocation: Invocation) async throws -> ExitCode {
        let headway = try await connect(invocation)
        let end = ContinuousClock.now + .seconds(30)
        // What another living process holds is that one's to send.
        var waiting = try SpoolDirectory(at: directory).waiting(headway.keyspace)
        var nextLook = ContinuousClock.now + .seconds(1)
        while waiting > 0 || headway.statistics.spool?.unapplied != 0, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            guard ContinuousClock.now >= nextLook else { continue }
            waiting = try SpoolDirectory(at: directory).waiting(headway.keyspace)
            nextLook = ContinuousClock.now + .seconds(1)
        }
        let told = headway.statistics.spool ?? Headway.SpoolStatistics()
        try await headway.close()
        let files = "\(told.adopted) spool file\(told.adopted == 1 ? "" : "s") of processes that ended"
        var rest: [String] = []
        if told.unapplied > 0 { rest.append("\(told.unapplied) events not applied yet") }
        if waiting > 0 { rest.append("\(waiting) more not read yet") }
        if told.damages > 0 {
            rest.append("\(told.damages) damaged places, \(told.missing) events missing in them")
        }
        if let fault = told.adoptionFault { rest.append("\(fault)") }
        Terminal.say("\(files): " + (rest.isEmpty ? "everything is applied" : rest.joined(separator: "; ")))
        return told.unapplied == 0 && waiting == 0 && told.adoptionFault == nil ? .done : .failed
    }
}
