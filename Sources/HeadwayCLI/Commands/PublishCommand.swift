import EventLoop
import Glibc
import Headway
import HeadwayCore
import HeadwayWire
import ReadAPI
import Redis

/// `headway publish`: one event, for scripts.
enum PublishCommand {
    static let command = Command(
        name: "publish", summary: "publish one event, for scripts", synopsis: "TYPE SUBJECT [FIELD=VALUE]…",
        details: """
            Checks the event as a reader would, appends it to its partition's stream, prints the stream and the \
            entry's id, and waits for nothing. TYPE is one of those of docs/wire.md; SUBJECT is the id of the job, \
            or of the bulk for bulk.*. Says so when there is no such pipeline, or the job's has no such stage: the \
            aggregator will refuse that event.

              headway publish bulk.opened spring total=2
              headway publish job.started article-42 pipeline=article bulk=spring worker=w-7
              headway publish stage.progressed article-42 stage=writing done=5 total=10
              headway publish job.completed article-42 result=clx123

            With --spool DIR the event is written to a file there first, numbered, and the command waits up to 5 s \
            until it is applied. What is not applied by then stays in DIR, and the next command or worker that uses \
            DIR sends it again; nothing counts twice. What will be refused is not looked for then. Without TYPE only what other processes left in DIR is sent: \
            exit status 1 when it is not all applied within 30 s.
            """,
        options: RedisChoice.options + SpoolChoice.options,
        run: { try await run($0) })

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        if let spool = invocation.arguments.text("spool") {
            if invocation.arguments.words.isEmpty { return try await SpoolChoice.drain(spool, invocation) }
            let event = try event(invocation.arguments.words)
            return try await SpoolChoice.publish(event, spool, invocation)
        }
        let event = try event(invocation.arguments.words)
        return try await Desk.with(invocation) { desk in
            let client = RedisClient(desk.redis.endpoint, on: desk.loop, name: "headway-publish")
            let appender = EventAppender(keyspace: desk.keyspace, client: client)
            let doubt = await PublishDoubt.line(event, from: desk.reader)
            let receipts = try await appender.append([event])
            await client.close()
            for receipt in receipts {
                Terminal.say("\(desk.keyspace.events(receipt.partition)) \(receipt.entry)")
            }
            if let doubt {
                Terminal.write(
                    "headway publish: as things stand this will be refused: \(doubt)\n", to: STDERR_FILENO)
            }
            return .done
        }
    }

    /// - Throws: ``UsageError`` that says which field is wrong, and how.
    static func event(_ words: [String]) throws(UsageError) -> ProgressEvent {
        guard words.count >= 2 else {
            throw UsageError("wants TYPE and SUBJECT, such as: headway publish job.completed article-42")
        }
        var fields = FieldBuffer()
        fields.add("type", words[0])
        fields.add("subject", words[1])
        for word in words.dropFirst(2) {
            guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
                throw UsageError("\"\(Printable.line(word, limit: 60))\" is not FIELD=VALUE")
            }
            fields.add(String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
        let event: ProgressEvent
        do {
            event = try ProgressEvent(fields: fields)
        } catch  where error.reason == .unknownType {
            let near =
                Suggestion.type(near: words[0]).map { "; did you mean \($0)?" } ?? "; docs/wire.md lists them"
            throw UsageError("there is no type \(Printable.line(words[0], limit: 60))\(near)")
        } catch {
            throw UsageError("\(error.field == nil ? "the event " : "")\(error.description)")
        }
        // A reader skips fields that it does not know; a person who types one has made a mistake.
        var kept = FieldBuffer()
        event.encode(into: &kept)
        let names = Set(kept.map { Array($0.name) })
        for (name, _) in fields where !names.contains(Array(name)) {
            let text = String(decoding: name, as: UTF8.self)
            let near = Suggestion.field(near: text).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("\(Printable.line(text, limit: 60)) is not a field of \(words[0])\(near)")
        }
        return event
    }
}
