extension FakeRedis {
    func runHash(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        let key = command[1]
        let fields: FieldList
        switch value(key) {
        case .hash(let known)?: fields = known
        case nil: fields = FieldList()
        default: return output.error(Self.wrongType)
        }
        switch name {
        case "HGET": output.bulk(fields[command[2]])
        case "HMGET":
            output.array(command.count - 2)
            for field in command.dropFirst(2) { output.bulk(fields[field]) }
        case "HGETALL":
            output.array(2 * fields.fields.count)
            for field in fields.fields {
                output.bulk(field.name)
                output.bulk(field.value)
            }
        case "HKEYS":
            output.array(fields.fields.count)
            for field in fields.fields { output.bulk(field.name) }
        case "HLEN": output.integer(fields.fields.count)
        case "HSET":
            guard command.count >= 4, command.count % 2 == 0 else {
                return output.error("ERR wrong number of arguments for 'hset' command")
            }
            var added = 0
            changeHash(key) { hash in
                for place in stride(from: 2, to: command.count, by: 2)
                where hash.set(command[place], command[place + 1]) { added += 1 }
            }
            wrote(key)
            output.integer(added)
        case "HSETNX":
            guard fields[command[2]] == nil else { return output.integer(0) }
            changeHash(key) { _ = $0.set(command[2], command[3]) }
            wrote(key)
            output.integer(1)
        case "HDEL":
            let removed = command.dropFirst(2).reduce(into: Set<Bytes>()) {
                if fields[$1] != nil { $0.insert($1) }
            }
            if !removed.isEmpty {
                changeHash(key) { hash in for name in removed { _ = hash.remove(name) } }
                wrote(key)
            }
            output.integer(removed.count)
        default: preconditionFailure(name)
        }
    }

    private func changeHash(_ key: Bytes, _ body: (inout FieldList) -> Void) {
        change(key, orBegin: .hash(FieldList())) { value in
            guard case .hash(var hash) = value else { return }
            value = .nothing
            body(&hash)
            value = .hash(hash)
        }
    }
}
