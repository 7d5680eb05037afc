/// The bounds of what the wire takes. Characters are Unicode scalars, the unit that every language counts.
package enum WireLimits {
    /// All names and values of an event together, in bytes.
    package static let event = 65_536
    /// A longer message is cut to this, the last character being `…`.
    package static let message = 1000
    /// Label, worker, failure code, in characters.
    package static let label = 200
    /// Result and checkpoint, in bytes.
    package static let payload = 4096
    /// How many attributes a job has.
    package static let attributes = 16
    /// An attribute's name, in bytes.
    package static let attributeName = 64
    /// An attribute's value, in characters.
    package static let attributeValue = 256
    /// `origin`, in characters.
    package static let origin = 512
    package static let weight = 1_000_000
    /// Every number on the wire: 2⁵³, which a double holds exactly.
    package static let number = Int(FieldValue.greatest)

    /// A message as it travels: at most ``message`` characters; a longer one ends with `…`.
    package static func cut(_ message: String) -> String {
        guard message.utf8.count > Self.message, message.unicodeScalars.count > Self.message else {
            return message
        }
        var scalars = String.UnicodeScalarView(message.unicodeScalars.prefix(Self.message - 1))
        scalars.append("…")
        return String(scalars)
    }

    static func holds(_ text: String, _ characters: Int) -> Bool {
        text.utf8.count <= characters || text.unicodeScalars.count <= characters
    }
}
