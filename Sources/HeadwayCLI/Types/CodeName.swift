/// Names of a pipeline as names of a programming language. Pure.
enum CodeName {
    /// `GENERATING_SCENES` → `generatingScenes`, `status_message` → `statusMessage`, `2nd-try` → `_2ndTry`.
    static func lowerCamel(_ text: String) -> String {
        let words = words(of: text)
        guard let first = words.first else { return "_" }
        let name =
            (first.prefix(1).lowercased() + first.dropFirst())
            + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return name.first?.isNumber == true ? "_\(name)" : name
    }

    static func upperCamel(_ text: String) -> String {
        let name = words(of: text).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        guard let first = name.first else { return "_" }
        return first.isNumber ? "_\(name)" : name
    }

    /// A list of names, each one of its own: what two share gets a number.
    static func distinct(_ names: [String]) -> [String] {
        var used: Set<String> = []
        return names.map { name in
            var candidate = name
            var number = 2
            while !used.insert(candidate).inserted {
                candidate = "\(name)\(number)"
                number += 1
            }
            return candidate
        }
    }

    /// Runs of ASCII letters and digits; one that shouts is lowered.
    private static func words(of text: String) -> [String] {
        text.unicodeScalars.split { !isWord($0) }.map { word in
            let word = String(String.UnicodeScalarView(word))
            let hasLower = word.unicodeScalars.contains { "a"..."z" ~= $0 }
            return hasLower ? word : word.lowercased()
        }
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }
}
