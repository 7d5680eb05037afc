extension FakeRedis {
    func runStream(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        // Said before the key is looked at.
        if name == "XADD", command[2] == Bytes("0-0") || command[2] == Bytes("0") {
            return output.error("ERR The ID specified in XADD must be greater than 0-0")
        }
        let key = name == "XINFO" ? command[2] : command[1]
        let stream: Stream?
        switch value(key) {
        case .stream(let known)?: stream = known
        case nil: stream = nil
        default: return output.error(Self.wrongType)
        }
        switch name {
        case "XLEN": output.integer(stream?.entries.count ?? 0)
        case "XADD": add(key, command, stream, &output)
        case "XTRIM": trim(key, command, stream, &output)
        case "XDEL":
            var removed = 0
            changeStream(key, isBegun: false) { stream in
                for text in command.dropFirst(2) {
                    if let id = EntryID(text), stream.remove(id) { removed += 1 }
                }
            }
            if removed > 0 { wrote(key) }
            output.integer(removed)
        case "XRANGE": range(stream, command, low: 2, high: 3, &output)
        case "XREVRANGE": range(stream, command, low: 3, high: 2, &output)
        case "XINFO":
            guard let stream else { return output.error("ERR no such key") }
            info(stream, &output)
        default: preconditionFailure(name)
        }
    }

    private func changeStream(_ key: Bytes, isBegun: Bool, _ body: (inout Stream) -> Void) {
        change(key, orBegin: isBegun ? .stream(Stream()) : nil) { value in
            guard case .stream(var stream) = value else { return }
            value = .nothing
            body(&stream)
            value = .stream(stream)
        }
    }

    /// `XADD key [MAXLEN ~ n] id field value …`.
    private func add(_ key: Bytes, _ command: [Bytes], _ stream: Stream?, _ output: inout ReplyWriter) {
        var place = 2
        var cap: Int?
        if command[place] == Bytes("MAXLEN") {
            precondition(command[place + 1] == Bytes("~"), "XADD MAXLEN without ~")
            cap = Int(command[place + 2].text)
            place += 3
        }
        let last = stream?.last ?? .zero
        guard let id = newID(command[place], after: last) else {
            return output.error("ERR Invalid stream ID specified as stream command argument")
        }
        guard id > last else {
            return output.error(
                "ERR The ID specified in XADD is equal or smaller than the target stream top item")
        }
        changeStream(key, isBegun: true) { stream in
            stream.append(Stream.Entry(id: id, fields: Array(command[(place + 1)...])))
            // Whole nodes of a hundred.
            if let cap, stream.entries.count > cap + 100 { _ = stream.removeFirst(100) }
        }
        wrote(key)
        output.bulk(id.text)
    }

    /// `*`, `ms-*` or a whole id.
    private func newID(_ text: Bytes, after last: EntryID) -> EntryID? {
        if text == Bytes("*") {
            let now = UInt64(wall())
            return now > last.milliseconds ? EntryID(milliseconds: now, sequence: 0) : last.next
        }
        if text.suffix(2) == Bytes("-*")[...] {
            guard let id = EntryID(Bytes(text.dropLast(2))) else { return nil }
            return id.milliseconds == last.milliseconds ? last.next : id
        }
        return EntryID(text)
    }

    /// `XTRIM key MINID|MAXLEN [~] threshold [LIMIT 0]`.
    private func trim(_ key: Bytes, _ command: [Bytes], _ stream: Stream?, _ output: inout ReplyWriter) {
        let isAbout = command[3] == Bytes("~")
        let threshold = command[isAbout ? 4 : 3]
        guard let stream else { return output.integer(0) }
        var count: Int
        if command[2] == Bytes("MINID") {
            guard let id = EntryID(threshold) else {
                return output.error("ERR Invalid stream ID specified as stream command argument")
            }
            count = stream.range(.zero, .last).prefix { stream.entries[$0].id < id }.count
        } else {
            count = max(0, stream.entries.count - (Int(threshold.text) ?? 0))
        }
        if isAbout { count -= min(count, trimSlack(count)) }
        if count > 0 {
            changeStream(key, isBegun: false) { _ = $0.removeFirst(count) }
            wrote(key)
        }
        output.integer(count)
    }

    private func range(
        _ stream: Stream?, _ command: [Bytes], low: Int, high: Int, _ output: inout ReplyWriter
    ) {
        guard let from = bound(command[low], isLow: true), let to = bound(command[high], isLow: false) else {
            return output.error("ERR Invalid stream ID specified as stream command argument")
        }
        let count = command.count == 6 ? Int(command[5].text) ?? 0 : .max
        guard let stream, count > 0 else { return output.array(0) }
        let range = stream.range(from, to)
        if low < high {
            Self.write(stream.entries[range.prefix(count)], to: &output)
        } else {
            Self.write(stream.entries[range.suffix(count)].reversed(), to: &output)
        }
    }

    private func bound(_ text: Bytes, isLow: Bool) -> EntryID? {
        if text == Bytes("-") { return .zero }
        if text == Bytes("+") { return .last }
        guard text.first == UInt8(ascii: "(") else { return EntryID(text, fill: isLow ? 0 : .max) }
        guard let id = EntryID(Bytes(text.dropFirst()), fill: isLow ? 0 : .max) else { return nil }
        if isLow { return id.next }
        if id.sequence > 0 { return EntryID(milliseconds: id.milliseconds, sequence: id.sequence - 1) }
        return id.milliseconds > 0 ? EntryID(milliseconds: id.milliseconds - 1, sequence: .max) : nil
    }

    private func info(_ stream: Stream, _ output: inout ReplyWriter) {
        output.array(20)
        output.bulk("length")
        output.integer(stream.entries.count)
        output.bulk("radix-tree-keys")
        output.integer(stream.entries.isEmpty ? 0 : 1)
        output.bulk("radix-tree-nodes")
        output.integer(stream.entries.isEmpty ? 1 : 2)
        output.bulk("last-generated-id")
        output.bulk(stream.last.text)
        output.bulk("max-deleted-entry-id")
        output.bulk(stream.highestDeleted.text)
        output.bulk("entries-added")
        output.integer(stream.added)
        output.bulk("recorded-first-entry-id")
        output.bulk((stream.entries.first?.id ?? .zero).text)
        output.bulk("groups")
        output.integer(stream.groups.count)
        for (name, entry) in [("first-entry", stream.entries.first), ("last-entry", stream.entries.last)] {
            output.bulk(name)
            guard let entry else {
                output.null()
                continue
            }
            output.array(2)
            output.bulk(entry.id.text)
            output.array(entry.fields.count)
            for part in entry.fields { output.bulk(part) }
        }
    }
}
