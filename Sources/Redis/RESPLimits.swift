/// What one call may bring back, so that a hostile or broken server cannot take our memory.
package struct RESPLimits: Sendable, Equatable {
    /// Bytes of all texts together.
    package var bytes: Int
    /// Values together, arrays and what is in them; 16 bytes of memory each.
    package var elements: Int
    /// Bytes of one status, error, number or length. hiredis searches an unfinished line anew at each read.
    package var line: Int
    /// Arrays within arrays. hiredis 0.14 allows 7.
    package var depth: Int

    package init(
        bytes: Int = 256 << 20, elements: Int = 16 << 20, line: Int = 64 << 10, depth: Int = 7
    ) {
        self.bytes = bytes
        self.elements = elements
        self.line = line
        self.depth = depth
    }
}
