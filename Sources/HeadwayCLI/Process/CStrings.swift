import Glibc

/// A C array of C strings with a nil at its end, as `execve` and `getopt` want it; freed by hand.
@unsafe
struct CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    /// getopt reorders ``pointers``; what has to be freed does not change.
    private let owned: [UnsafeMutablePointer<CChar>?]

    init(_ texts: [String]) {
        unsafe owned = texts.map { unsafe strdup($0) }
        unsafe pointers = .allocate(capacity: texts.count + 1)
        for index in texts.indices { unsafe pointers[index] = owned[index] }
        unsafe pointers[texts.count] = nil
    }

    subscript(index: Int) -> UnsafePointer<CChar>? { unsafe owned[index].map { unsafe UnsafePointer($0) } }

    /// What is at `index` now.
    func text(at index: Int) -> String? {
        guard unsafe owned.indices.contains(index) else { return nil }
        return unsafe pointers[index].map { unsafe String(cString: $0) }
    }

    func free() {
        for index in unsafe owned.indices { unsafe Glibc.free(owned[index]) }
        unsafe pointers.deallocate()
    }
}
