/// What a value writes its hash image to.
///
/// The image is described once; one sink writes it, another only notes which fields there are.
protocol ImageSink<Field> {
    associatedtype Field: FieldName

    mutating func put(_ field: Field, _ text: String?)
    mutating func put(_ field: Field, _ number: Int64?)
    /// A value that `write` appends.
    mutating func put(_ field: Field, if isPresent: Bool, _ write: (inout [UInt8]) -> Void)
}

extension ImageSink {
    mutating func put(_ field: Field, _ number: Int?) { put(field, number.map(Int64.init)) }
}

/// Writes an image to a buffer.
struct ImageWriter<Field: FieldName>: ImageSink {
    var buffer: FieldBuffer
    /// The fields written.
    var fields: UInt64 = 0

    mutating func put(_ field: Field, _ text: String?) {
        guard let text else { return }
        fields |= field.bit
        buffer.add(field.name, text)
    }

    mutating func put(_ field: Field, _ number: Int64?) {
        guard let number else { return }
        fields |= field.bit
        buffer.add(field.name, number)
    }

    mutating func put(_ field: Field, if isPresent: Bool, _ write: (inout [UInt8]) -> Void) {
        guard isPresent else { return }
        fields |= field.bit
        buffer.add(field.name, write)
    }
}

/// Notes which fields an image has.
struct ImageOutline<Field: FieldName>: ImageSink {
    var fields: UInt64 = 0

    mutating func put(_ field: Field, _ text: String?) { note(field, text != nil) }
    mutating func put(_ field: Field, _ number: Int64?) { note(field, number != nil) }
    mutating func put(_ field: Field, if isPresent: Bool, _ write: (inout [UInt8]) -> Void) {
        note(field, isPresent)
    }

    private mutating func note(_ field: Field, _ isPresent: Bool) {
        if isPresent { fields |= field.bit }
    }
}
