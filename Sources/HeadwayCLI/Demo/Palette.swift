/// The colours of an hour of the day, colder the harder the text is to read.
struct Palette: Sendable {
    private struct Hour {
        let at: Double
        let zenith: HSL
        let horizon: HSL
        let land: HSL
        let light: HSL
    }

    private struct HSL {
        var hue: Double
        var saturation: Double
        var lightness: Double

        func mixed(with other: HSL, _ share: Double) -> HSL {
            // The short way round the circle of hues.
            var turn = other.hue - hue
            if turn > 180 { turn -= 360 }
            if turn < -180 { turn += 360 }
            return HSL(
                hue: hue + turn * share, saturation: saturation + (other.saturation - saturation) * share,
                lightness: lightness + (other.lightness - lightness) * share)
        }

        /// `#rrggbb`
        var hex: String {
            let hue = (self.hue.truncatingRemainder(dividingBy: 360) + 360).truncatingRemainder(
                dividingBy: 360)
            let chroma = (1 - abs(2 * lightness - 1)) * saturation
            let middle = chroma * (1 - abs((hue / 60).truncatingRemainder(dividingBy: 2) - 1))
            let base = lightness - chroma / 2
            let (r, g, b): (Double, Double, Double) =
                switch Int(hue / 60) {
                case 0: (chroma, middle, 0)
                case 1: (middle, chroma, 0)
                case 2: (0, chroma, middle)
                case 3: (0, middle, chroma)
                case 4: (middle, 0, chroma)
                default: (chroma, 0, middle)
                }
            return "#"
                + [r, g, b].map { part in
                    let byte = Int(((part + base) * 255).rounded())
                    let digits = String(max(0, min(255, byte)), radix: 16)
                    return digits.count < 2 ? "0" + digits : digits
                }.joined()
        }
    }

    private static let day = [
        Hour(
            at: 0, zenith: HSL(hue: 262, saturation: 0.36, lightness: 0.42),
            horizon: HSL(hue: 22, saturation: 0.88, lightness: 0.76),
            land: HSL(hue: 268, saturation: 0.28, lightness: 0.24),
            light: HSL(hue: 40, saturation: 1, lightness: 0.86)),
        Hour(
            at: 0.33, zenith: HSL(hue: 206, saturation: 0.72, lightness: 0.52),
            horizon: HSL(hue: 196, saturation: 0.68, lightness: 0.86),
            land: HSL(hue: 158, saturation: 0.34, lightness: 0.22),
            light: HSL(hue: 50, saturation: 1, lightness: 0.92)),
        Hour(
            at: 0.7, zenith: HSL(hue: 248, saturation: 0.42, lightness: 0.34),
            horizon: HSL(hue: 14, saturation: 0.9, lightness: 0.64),
            land: HSL(hue: 282, saturation: 0.32, lightness: 0.17),
            light: HSL(hue: 30, saturation: 1, lightness: 0.8)),
        Hour(
            at: 1, zenith: HSL(hue: 230, saturation: 0.58, lightness: 0.1),
            horizon: HSL(hue: 222, saturation: 0.46, lightness: 0.3),
            land: HSL(hue: 228, saturation: 0.42, lightness: 0.09),
            light: HSL(hue: 52, saturation: 0.5, lightness: 0.93)),
    ]

    private let now: Hour

    /// - Parameters:
    ///   - hour: 0 at dawn, 1 at night.
    ///   - ease: Flesch's reading ease.
    init(hour: Double, ease: Double) {
        let after = Self.day.firstIndex { $0.at >= hour } ?? Self.day.count - 1
        let late = Self.day[after]
        let early = Self.day[max(0, after - 1)]
        let share = late.at > early.at ? (hour - early.at) / (late.at - early.at) : 0
        // 0…100 from warm to cold: ±22 degrees.
        let chill = (50 - max(0, min(100, ease))) / 50 * 22
        func mix(_ part: (Hour) -> HSL, turned: Double = 1) -> HSL {
            var colour = part(early).mixed(with: part(late), share)
            colour.hue += chill * turned
            return colour
        }
        now = Hour(
            at: hour, zenith: mix { $0.zenith }, horizon: mix({ $0.horizon }, turned: -0.5),
            land: mix { $0.land },
            light: mix({ $0.light }, turned: 0))
    }

    var zenith: String { now.zenith.hex }
    var horizon: String { now.horizon.hex }
    var light: String { now.light.hex }

    /// 0 far away, where the haze takes the colour of the horizon; 1 at our feet.
    func land(depth: Double) -> String { now.horizon.mixed(with: now.land, 0.38 + 0.62 * depth).hex }
}
