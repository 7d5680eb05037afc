package import HeadwayCore

/// The hash `durations`: field `<pipeline>/<stage>` (nothing behind the slash: the whole job), or
/// `<pipeline>/<stage>/half` → a sketch.
extension DurationBook {
    /// Reads as much as can be read, at most ``capacity`` sketches: statistics that are broken start anew and
    /// stop nobody.
    package init(fields: some Sequence<(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)>) {
        var sketches: [Key: DurationSketch] = [:]
        for (name, value) in fields {
            guard sketches.count < Self.capacity, let key = Key(field: name),
                let sketch = DurationSketch(text: value), !sketch.isEmpty
            else { continue }
            sketches[key] = sketch
        }
        self.init(sketches)
    }

    /// Adds the fields of `keys` as far as there are sketches.
    package func encode(_ keys: some Sequence<Key>, into buffer: inout FieldBuffer) {
        for key in keys {
            guard let sketch = sketches[key] else { continue }
            buffer.add(key.field, sketch.text)
        }
    }
}

extension DurationBook.Key {
    /// - Returns: nil unless it is two identifiers around a slash, or one before it, or two and `/half`.
    package init?(field: ArraySlice<UInt8>) {
        guard let slash = field.firstIndex(of: UInt8(ascii: "/")),
            let pipeline = FieldValue.identifier(field[..<slash])
        else { return nil }
        let rest = field[(slash + 1)...]
        guard !rest.isEmpty else {
            self.init(pipeline: pipeline, stage: nil)
            return
        }
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let tail = rest[end...]
        guard let stage = FieldValue.identifier(rest[..<end]),
            tail.isEmpty || tail.elementsEqual("/half".utf8)
        else { return nil }
        self.init(pipeline: pipeline, stage: stage, isHalf: !tail.isEmpty)
    }

    package var field: String { "\(pipeline)/\(stage ?? "")\(isHalf ? "/half" : "")" }
}

/// A sketch as one value: the sum of its samples in milliseconds, then bucket=count in ascending order:
/// `512000 112=3 115=12`.
extension DurationSketch {
    /// - Returns: nil when any part is not readable: half a sketch would lie.
    package init?(text: ArraySlice<UInt8>) {
        let items = PackedText.items(text)
        guard items.count <= 1 + Self.buckets, let first = items.first,
            let sum = FieldValue.integer(first, in: 0...FieldValue.greatest)
        else { return nil }
        var counts: [Int: Int] = [:]
        for item in items.dropFirst() {
            guard let (name, value) = PackedText.pair(item),
                let bucket = FieldValue.integer(name, in: 0...Int64(Self.buckets - 1)),
                let count = FieldValue.integer(value, in: 1...1_000_000),
                counts.updateValue(count, forKey: bucket) == nil
            else { return nil }
        }
        self.init(counts: counts, milliseconds: Int64(sum))
    }

    package var text: String {
        var bytes: [UInt8] = []
        bytes.append(decimal: milliseconds)
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            bytes.append(UInt8(ascii: " "))
            bytes.append(decimal: Int64(bucket))
            bytes.append(UInt8(ascii: "="))
            bytes.append(decimal: Int64(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
