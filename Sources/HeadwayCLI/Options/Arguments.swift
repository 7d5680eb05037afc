/// What a command was given: options already checked against its table, and the words that are none.
struct Arguments: Sendable {
    private let options: [String: String]
    let words: [String]

    init(options: [String: String], words: [String]) {
        self.options = options
        self.words = words
    }

    func text(_ name: String) -> String? { options[name] }

    func isOn(_ name: String) -> Bool { options[name].flatMap(Option.truth) ?? false }

    func count(_ name: String) -> Int? { options[name].flatMap { Int($0) } }

    func duration(_ name: String) -> Duration? { options[name].flatMap(TimeSpan.parse) }

    func share(_ name: String) -> Double? { options[name].flatMap(Option.share) }

    func address(_ name: String) -> ListenAddress? { options[name].flatMap(ListenAddress.init) }
}
