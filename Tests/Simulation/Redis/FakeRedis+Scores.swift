extension FakeRedis {
    func runScores(_ name: String, _ command: [Bytes], _ output: inout ReplyWriter) {
        let key = command[1]
        let scores: ScoreList
        switch value(key) {
        case .scores(let known)?: scores = known
        case nil: scores = ScoreList()
        default: return output.error(Self.wrongType)
        }
        switch name {
        case "ZCARD": output.integer(scores.items.count)
        case "ZSCORE":
            if let score = scores.score(of: command[2]) { output.score(score) } else { output.null() }
        case "ZCOUNT":
            guard let low = Bound(command[2]), let high = Bound(command[3]) else {
                return output.error("ERR min or max is not a float")
            }
            output.integer(scores.items.count { low.isBelow($0.score) && high.isAbove($0.score) })
        case "ZADD":
            var added = 0
            for place in stride(from: 2, to: command.count, by: 2) where Double(command[place].text) == nil {
                return output.error("ERR value is not a valid float")
            }
            changeScores(key) { list in
                for place in stride(from: 2, to: command.count, by: 2)
                where list.set(command[place + 1], Double(command[place].text) ?? 0) { added += 1 }
            }
            wrote(key)
            output.integer(added)
        case "ZREM":
            let removed = command.dropFirst(2).reduce(into: Set<Bytes>()) {
                if scores.score(of: $1) != nil { $0.insert($1) }
            }
            if !removed.isEmpty {
                changeScores(key) { list in for member in removed { _ = list.remove(member) } }
                wrote(key)
            }
            output.integer(removed.count)
        case "ZRANGE": range(scores, command, &output)
        default: preconditionFailure(name)
        }
    }

    private func changeScores(_ key: Bytes, _ body: (inout ScoreList) -> Void) {
        change(key, orBegin: .scores(ScoreList())) { value in
            guard case .scores(var scores) = value else { return }
            value = .nothing
            body(&scores)
            value = .scores(scores)
        }
    }

    /// `ZRANGE key start stop [BYSCORE] [REV] [LIMIT offset count] [WITHSCORES]`.
    private func range(_ scores: ScoreList, _ command: [Bytes], _ output: inout ReplyWriter) {
        var isByScore = false
        var isReversed = false
        var hasScores = false
        var limit = (offset: 0, count: -1)
        var place = 4
        while place < command.count {
            switch command[place].text {
            case "BYSCORE": isByScore = true
            case "REV": isReversed = true
            case "WITHSCORES": hasScores = true
            case "LIMIT":
                limit = (Int(command[place + 1].text) ?? 0, Int(command[place + 2].text) ?? 0)
                place += 2
            default: preconditionFailure("ZRANGE \(command[place].text)")
            }
            place += 1
        }
        var found: [ScoreList.Item]
        if isByScore {
            let (first, second) = isReversed ? (3, 2) : (2, 3)
            guard let low = Bound(command[first]), let high = Bound(command[second]) else {
                return output.error("ERR min or max is not a float")
            }
            found = scores.items.filter { low.isBelow($0.score) && high.isAbove($0.score) }
            if isReversed { found.reverse() }
            if limit.offset < 0 { found = [] }
            found = Array(found.dropFirst(max(0, limit.offset)))
            if limit.count >= 0 { found = Array(found.prefix(limit.count)) }
        } else {
            let items = isReversed ? Array(scores.items.reversed()) : scores.items
            found = Array(items[slice(command[2], command[3], of: items.count)])
        }
        output.array(found.count * (hasScores ? 2 : 1))
        for item in found {
            output.bulk(item.member)
            if hasScores { output.score(item.score) }
        }
    }

    /// From and to, both included, from the end when negative.
    func slice(_ start: Bytes, _ stop: Bytes, of count: Int) -> Range<Int> {
        var low = Int(start.text) ?? 0
        var high = Int(stop.text) ?? 0
        if low < 0 { low = max(0, low + count) }
        if high < 0 { high += count }
        high = min(high, count - 1)
        return low > high ? 0..<0 : low..<high + 1
    }

    /// `5`, `(5`, `-inf`, `+inf`.
    private struct Bound {
        var value: Double
        var isExclusive = false

        init?(_ text: Bytes) {
            var text = text[...]
            if text.first == UInt8(ascii: "(") {
                isExclusive = true
                text = text.dropFirst()
            }
            switch String(decoding: text, as: UTF8.self) {
            case "-inf": value = -.infinity
            case "+inf", "inf": value = .infinity
            case let number:
                guard let number = Double(number) else { return nil }
                value = number
            }
        }

        func isBelow(_ score: Double) -> Bool { isExclusive ? value < score : value <= score }
        func isAbove(_ score: Double) -> Bool { isExclusive ? value > score : value >= score }
    }
}
