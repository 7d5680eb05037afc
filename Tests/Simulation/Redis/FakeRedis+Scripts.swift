import Aggregator

extension FakeRedis {
    /// `EVAL`: of the one script that Headway sends, the trim that looks first (`StreamTrim`).
    ///
    /// It is done here in Swift, as that script says; another script ends the program. The differential tests send it
    /// to a real server, too.
    func runScript(_ command: [Bytes], _ output: inout ReplyWriter) {
        precondition(command[1] == Bytes(StreamTrim.script), "the simulated Redis knows one script: teach it")
        let (events, control, nonce, mark) = (command[3], command[4], command[5], command[6])
        let isMarked = command[7] == Bytes("1")
        func field(_ name: String) -> Bytes? {
            guard case .hash(let fields)? = value(control) else { return nil }
            return fields[Bytes(name)]
        }
        guard field("nonce") == nonce else { return Self.answer(-1, 0, to: &output) }
        guard case .stream(let stream)? = value(events) else { return Self.answer(-2, 0, to: &output) }
        var marked = stream.groups.contains(mark) ? 1 : 0
        guard let checkpoint = field("checkpoint").flatMap({ EntryID($0) }),
            stream.added >= field("consumed").flatMap({ Int($0.text) }) ?? 0, stream.last >= checkpoint,
            marked == 1 || !isMarked
        else { return Self.answer(-2, marked, to: &output) }
        var trimmed = ReplyWriter()
        let before = stream.entries.count
        let trim = [Bytes("XTRIM"), events, Bytes("MINID"), Bytes("~"), Bytes(checkpoint.text)]
        runStream("XTRIM", trim + [Bytes("LIMIT"), Bytes("0")], &trimmed)
        var after = before
        if case .stream(let rest)? = value(events) { after = rest.entries.count }
        // A full server lets a script go on that has written, and refuses one that has not.
        if marked == 0, refusal != .full || after < before {
            change(events, orBegin: nil) { value in
                guard case .stream(var stream) = value else { return }
                stream.groups.append(mark)
                value = .stream(stream)
            }
            wrote(events)
            marked = 1
        }
        Self.answer(before - after, marked, to: &output)
    }

    private static func answer(_ first: Int, _ second: Int, to output: inout ReplyWriter) {
        output.array(2)
        output.integer(first)
        output.integer(second)
    }
}
