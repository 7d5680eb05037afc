/// Names one connection of a server: the place it has, and a number that no other connection ever had, so that
/// what outlives its connection finds nothing.
struct ConnectionID: Sendable, Hashable {
    let key: UInt
    let number: UInt64
}
