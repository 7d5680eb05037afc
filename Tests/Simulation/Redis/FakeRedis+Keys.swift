extension FakeRedis {
    /// Strings, lists, sets, and what is true of every key.
    func runKey(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        let key = command.count > 1 ? command[1] : []
        switch name {
        case "GET":
            switch value(key) {
            case .string(let text)?: output.bulk(text)
            case nil: output.null()
            default: output.error(Self.wrongType)
            }
        case "SET":
            var expiry: Int64?
            if command.count == 5 {
                precondition(command[3] == Bytes("PX"), "SET \(command[3].text)")
                expiry = wall() + (Int64(command[4].text) ?? 0)
            }
            database.entries[key] = Database.Entry(value: .string(command[2]), expiry: expiry)
            wrote(key)
            output.status("OK")
        case "DEL":
            var count = 0
            for key in command.dropFirst() where value(key) != nil {
                database.entries[key] = nil
                wrote(key)
                count += 1
            }
            output.integer(count)
        case "EXISTS": output.integer(command.dropFirst().count { value($0) != nil })
        case "PEXPIRE":
            guard value(key) != nil else { return output.integer(0) }
            let span = Int64(command[2].text) ?? 0
            if span <= 0 {
                database.entries[key] = nil
            } else {
                database.entries[key]?.expiry = wall() + span
            }
            wrote(key)
            output.integer(1)
        case "PERSIST":
            guard value(key) != nil, database.entries[key]?.expiry != nil else { return output.integer(0) }
            database.entries[key]?.expiry = nil
            wrote(key)
            output.integer(1)
        case "PTTL":
            guard value(key) != nil else { return output.integer(-2) }
            output.integer(database.entries[key]?.expiry.map { Int($0 - wall()) } ?? -1)
        case "RPUSH", "LTRIM", "LRANGE", "LLEN": runList(name, command, &output)
        case "SADD", "SREM", "SMEMBERS", "SCARD": runSet(name, command, &output)
        default: preconditionFailure("the simulated Redis does not know \(name): teach it")
        }
    }

    private func runList(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        let key = command[1]
        var items: [Bytes]
        switch value(key) {
        case .list(let known)?: items = known
        case nil: items = []
        default: return output.error(Self.wrongType)
        }
        switch name {
        case "LLEN": return output.integer(items.count)
        case "LRANGE":
            let found = items[slice(command[2], command[3], of: items.count)]
            output.array(found.count)
            for item in found { output.bulk(item) }
            return
        case "RPUSH":
            items += command.dropFirst(2)
            output.integer(items.count)
        default:
            items = Array(items[slice(command[2], command[3], of: items.count)])
            output.status("OK")
        }
        let isNew = value(key) == nil
        change(key, orBegin: name == "RPUSH" ? .list([]) : nil) { $0 = .list(items) }
        if name == "RPUSH" || !isNew { wrote(key) }
    }

    private func runSet(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        let key = command[1]
        var items: [Bytes]
        switch value(key) {
        case .set(let known)?: items = known
        case nil: items = []
        default: return output.error(Self.wrongType)
        }
        let before = items.count
        switch name {
        case "SCARD": return output.integer(before)
        case "SMEMBERS":
            output.array(before)
            for item in items { output.bulk(item) }
            return
        case "SADD":
            for item in command.dropFirst(2) where !items.contains(item) { items.append(item) }
        default: items.removeAll { command.dropFirst(2).contains($0) }
        }
        output.integer(abs(items.count - before))
        guard items.count != before else { return }
        change(key, orBegin: .set([])) { $0 = .set(items) }
        wrote(key)
    }
}
