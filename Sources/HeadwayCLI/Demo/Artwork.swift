/// Draws a scene as a landscape that is made of its statistics, and of nothing else: the same text always gives the
/// same picture.
///
/// - The hour of the day is the scene's place in its book: the first is at dawn, the last at night.
/// - The ridges are the lengths of its sentences, in reading order; long ones are peaks.
/// - The sky is warm where it reads easily and cold where it does not.
/// - A tree for every paragraph, as tall as the paragraph is long; a star for its rare words, at night.
struct Artwork: Sendable {
    let scene: Scene
    /// Scenes of the book.
    let of: Int

    static let width = 960
    static let height = 540

    var svg: String {
        let palette = Palette(hour: hour, ease: scene.statistics.readingEase)
        var art = SVGText()
        art.open(
            "svg",
            [
                ("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", "0 0 \(Self.width) \(Self.height)"),
                ("role", "img"),
                ("aria-label", description),
            ])
        art.raw("<title>\(HTMLText.escape(description))</title>\n")
        art.raw(
            """
            <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="\(palette.zenith)"/>\
            <stop offset="1" stop-color="\(palette.horizon)"/></linearGradient>\
            <radialGradient id="glow"><stop offset="0" stop-color="\(palette.light)" stop-opacity=".75"/>\
            <stop offset="1" stop-color="\(palette.light)" stop-opacity="0"/></radialGradient></defs>

            """)
        art.leaf("rect", [("width", "\(Self.width)"), ("height", "\(Self.height)"), ("fill", "url(#sky)")])
        stars(&art)
        light(&art, palette)
        ridges(&art, palette)
        caption(&art)
        art.close("svg")
        return art.text
    }

    private var description: String {
        "Scene \(scene.number) of \(of): \(scene.title). \(scene.statistics.words) words in "
            + "\(scene.statistics.sentences) sentences, \(scene.statistics.readability)."
    }

    /// 0 at dawn, 1 at night.
    private var hour: Double { of > 1 ? Double(scene.number - 1) / Double(of - 1) : 0.35 }

    // MARK: Sky

    private func light(_ art: inout SVGText, _ palette: Palette) {
        let x = 120 + 720 * hour
        let rise = 1 - (2 * hour - 1) * (2 * hour - 1)
        let y = 330 - 230 * rise
        let radius = 26 + min(22, Double(scene.statistics.words) / 25)
        art.leaf(
            "circle",
            [("cx", x.tenths), ("cy", y.tenths), ("r", (radius * 3.4).tenths), ("fill", "url(#glow)")])
        art.leaf(
            "circle", [("cx", x.tenths), ("cy", y.tenths), ("r", radius.tenths), ("fill", palette.light)])
    }

    private func stars(_ art: inout SVGText) {
        let darkness = max(0, (hour - 0.62) / 0.38)
        guard darkness > 0 else { return }
        let rare = scene.statistics.frequencies.filter { $0.value == 1 }.keys.sorted()
        for word in rare.prefix(Int(90 * darkness)) {
            let number = Self.hash(word)
            art.leaf(
                "circle",
                [
                    ("cx", "\(number % UInt64(Self.width))"), ("cy", "\(number / 1009 % 260)"),
                    ("r", (0.7 + Double(number / 7919 % 14) / 10).tenths), ("fill", "#fff"),
                    ("opacity", (0.3 + Double(number / 104_729 % 6) / 10).tenths),
                ])
        }
    }

    // MARK: Land

    private static let layers = 4
    private static let points = 14

    private func ridges(_ art: inout SVGText, _ palette: Palette) {
        let lengths = scene.statistics.sentenceLengths.map(Double.init)
        for layer in 0..<Self.layers {
            let depth = Double(layer) / Double(Self.layers - 1)
            let profile = Self.profile(lengths, layer: layer)
            let base = 270 + 175 * depth
            let tall = 150 - 70 * depth
            let longest = max(1, profile.max() ?? 1)
            let heights = profile.map { base - tall * (0.15 + 0.85 * $0 / longest) }
            art.leaf("path", [("d", Self.hill(heights)), ("fill", palette.land(depth: depth))])
            if layer == Self.layers - 2 { trees(&art, on: heights, palette.land(depth: 0.85)) }
        }
    }

    /// The quarter of the sentences that this layer shows, brought to the same number of points.
    private static func profile(_ lengths: [Double], layer: Int) -> [Double] {
        guard !lengths.isEmpty else { return Array(repeating: 0, count: points) }
        let start = lengths.count * layer / layers
        let end = max(start + 1, lengths.count * (layer + 1) / layers)
        let part = Array(lengths[min(start, lengths.count - 1)..<min(end, lengths.count)])
        return (0..<points).map { point in
            let place = Double(point) / Double(points - 1) * Double(part.count - 1)
            let left = Int(place)
            let right = min(left + 1, part.count - 1)
            let share = place - Double(left)
            // A single sentence would be a plain: let it swell in the middle.
            let swell = part.count < 4 ? 0.55 + 0.45 * Double((point * 5 + layer * 3) % 7) / 6 : 1
            return (part[left] * (1 - share) + part[right] * share) * swell
        }
    }

    /// A smooth line through the heights (Catmull–Rom as Bézier curves), closed at the bottom.
    private static func hill(_ heights: [Double]) -> String {
        let step = Double(width) / Double(heights.count - 1)
        func y(_ index: Int) -> Double { heights[max(0, min(heights.count - 1, index))] }
        var path = "M0 \(height)L0 \(y(0).tenths)"
        for index in 0..<(heights.count - 1) {
            let x = Double(index) * step
            let first = y(index) + (y(index + 1) - y(index - 1)) / 6
            let second = y(index + 1) - (y(index + 2) - y(index)) / 6
            path += "C\((x + step / 3).tenths) \(first.tenths) \((x + 2 * step / 3).tenths) \(second.tenths) "
            path += "\((x + step).tenths) \(y(index + 1).tenths)"
        }
        return path + "L\(width) \(height)Z"
    }

    private func trees(_ art: inout SVGText, on heights: [Double], _ colour: String) {
        let paragraphs = scene.paragraphs.prefix(24)
        for (index, paragraph) in paragraphs.enumerated() {
            let spread = Double(Self.hash(paragraph) % 100) / 100 - 0.5
            let x = (Double(index) + 0.5 + spread * 0.6) / Double(paragraphs.count) * Double(Self.width)
            let place = x / Double(Self.width) * Double(heights.count - 1)
            let left = max(0, min(heights.count - 2, Int(place)))
            let ground = heights[left] + (heights[left + 1] - heights[left]) * (place - Double(left)) + 5
            let tall = 16 + min(46, Double(paragraph.utf8.count).squareRoot() * 1.5)
            let half = tall * 0.22
            art.leaf(
                "path",
                [
                    (
                        "d",
                        "M\(x.tenths) \((ground - tall).tenths)l\(half.tenths) \((tall * 0.86).tenths)"
                            + "h-\((half * 0.7).tenths)v\((tall * 0.14).tenths)h-\((half * 0.6).tenths)"
                            + "v-\((tall * 0.14).tenths)h-\((half * 0.7).tenths)z"
                    ), ("fill", colour),
                ])
        }
    }

    private func caption(_ art: inout SVGText) {
        let style = [("fill", "#fff"), ("font-family", "Georgia, 'Times New Roman', serif")]
        art.text(
            DisplayWidth.cut(scene.title, to: 54),
            [("x", "40"), ("y", "486"), ("font-size", "28"), ("opacity", "0.96")] + style)
        art.text(
            scene.keyWords.joined(separator: " · "),
            [("x", "40"), ("y", "514"), ("font-size", "17"), ("opacity", "0.72"), ("font-style", "italic")]
                + style)
    }

    /// FNV-1a: the same on every machine and in every run, unlike `Hasher`.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
