import CGlibc
import HeadwayWire

/// Reads a command's words by its table, with `getopt_long`: abbreviations, `--name=value`, `-abc` and `--` work
/// as everywhere else on the system.
///
/// What the command line leaves out comes from the environment, what both leave out from the table.
struct OptionParser {
    let table: [Option]
    /// Options end at the first word that is none: for a command that takes another command.
    var stopsAtFirstWord = false

    /// - Throws: ``UsageError``, one line.
    func parse(_ words: [String], environment: [String: String]) throws(UsageError) -> Arguments {
        let found = try scan(words)
        var options = found.options
        for option in table where options[option.name] == nil {
            guard let text = environment[option.variable] else { continue }
            if text.isEmpty, !option.isFlag { continue }
            if let objection = option.objection(to: text) {
                throw UsageError("\(option.variable) (from the environment) \(objection)")
            }
            options[option.name] = text
        }
        for option in table where options[option.name] == nil { options[option.name] = option.fallback }
        return Arguments(options: options, words: found.words)
    }

    /// `getopt_long` keeps its place in global variables: parsing happens once, before anything else runs.
    private func scan(_ words: [String]) throws(UsageError) -> (options: [String: String], words: [String]) {
        // getopt works on C strings that stay where they are, and reorders the pointers to them.
        let argv = unsafe CStrings(["headway"] + words)
        let names = unsafe CStrings(table.map(\.name))
        defer {
            unsafe argv.free()
            unsafe names.free()
        }
        var long = unsafe table.indices.map { index in
            unsafe CGlibc.option(
                name: names[index], has_arg: table[index].isFlag ? no_argument : required_argument, flag: nil,
                val: Self.firstLong + CInt(index))
        }
        unsafe long.append(CGlibc.option())
        getopt_start_over()

        var options: [String: String] = [:]
        while true {
            let code = unsafe getopt_long(CInt(words.count + 1), argv.pointers, letters, long, nil)
            if code == -1 { break }
            guard let entry = entry(for: code) else {
                throw complaint(code, word: unsafe argv.text(at: max(1, Int(getopt_place()) - 1)))
            }
            let value = unsafe getopt_value()
            let text = unsafe entry.isFlag ? "1" : value.map { unsafe String(cString: $0) } ?? ""
            if let objection = entry.objection(to: text) {
                throw UsageError("--\(entry.name) \(objection), not \"\(Printable.line(text, limit: 60))\"")
            }
            let before = entry.isRepeatable ? options[entry.name].map { "\($0)," } : nil
            options[entry.name] = (before ?? "") + text
        }
        let rest = (Int(getopt_place())..<(words.count + 1)).map { unsafe argv.text(at: $0) ?? "" }
        return (options, rest)
    }

    private static let firstLong: CInt = 1000

    /// The leading `:` tells a missing value from an unknown option.
    private var letters: String {
        (stopsAtFirstWord ? "+:" : ":")
            + table.map { option in option.letter.map { "\($0)\(option.isFlag ? "" : ":")" } ?? "" }.joined()
    }

    private func entry(for code: CInt) -> Option? {
        if code >= Self.firstLong { return table[Int(code - Self.firstLong)] }
        return table.first { $0.letter?.asciiValue.map(CInt.init) == code }
    }

    private func complaint(_ code: CInt, word: String?) -> UsageError {
        let offender = getopt_offender()
        let known = entry(for: offender)
        if code == CInt(UInt8(ascii: ":")), let known {
            return UsageError(
                "--\(known.name) needs a value: --\(known.name) \(known.placeholder ?? "VALUE")")
        }
        if let known, known.isFlag { return UsageError("--\(known.name) takes no value") }
        if offender != 0, let byte = UInt8(exactly: offender), 33...126 ~= byte {
            return UsageError("there is no option -\(Character(UnicodeScalar(byte)))")
        }
        let typed = String((word ?? "").prefix { $0 != "=" })
        let names = table.map { "--\($0.name)" }
        let candidates = names.filter { $0.hasPrefix(typed) }
        if candidates.count > 1 {
            return UsageError(
                "\(Printable.line(typed, limit: 60)) could be \(candidates.joined(separator: " or "))")
        }
        let hint = Suggestion.nearest(to: typed, among: names).map { "; did you mean \($0)?" } ?? ""
        return UsageError("there is no option \(Printable.line(typed, limit: 60))\(hint)")
    }
}
