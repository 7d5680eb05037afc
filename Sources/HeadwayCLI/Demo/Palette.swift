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

        var rgb: RGB {
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
            return RGB(red: r + base, green: g + base, blue: b + base)
        }
    }

    /// Mixed as light is: between peach and pale blue lies grey, not the green that lies between their hues.
    private struct RGB {
        var red: Double
        var green: Double
        var blue: Double

        func mixed(with other: RGB, _ share: Double) -> RGB {
            RGB(
                red: red + (other.red - red) * share, green: green + (other.green - green) * share,
                blue: blue + (other.blue - blue) * share)
        }

        /// `#rrggbb`
        var hex: String {
            "#"
                + [red, green, blue].map { part in
                    let digits = String(max(0, min(255, Int((part * 255).rounded()))), radix: 16)
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

    private let sky: RGB
    private let edge: RGB
    private let ground: RGB
    private let sun: RGB

    /// - Parameters:
    ///   - hour: 0 at dawn, 1 at night.
    ///   - ease: Flesch's reading ease.
    init(hour: Double, ease: Double) {
        let after = Self.day.firstIndex { $0.at >= hour } ?? Self.day.count - 1
        let late = Self.day[after]
        let early = Self.day[max(0, after - 1)]
        let share = late.at > early.at ? (hour - early.at) / (late.at - early.at) : 0
        // 0…100 from warm to cold: ±22 degrees of hue.
        let chill = (50 - max(0, min(100, ease))) / 50 * 22
        func mix(_ part: (Hour) -> HSL, turned: Double = 1) -> RGB {
            func turn(_ colour: HSL) -> RGB {
                var colour = colour
                colour.hue += chill * turned
                return colour.rgb
            }
            return turn(part(early)).mixed(with: turn(part(late)), share)
        }
        sky = mix { $0.zenith }
        edge = mix({ $0.horizon }, turned: -0.5)
        ground = mix { $0.land }
        sun = mix({ $0.light }, turned: 0)
    }

    var zenith: String { sky.hex }
    var horizon: String { edge.hex }
    var light: String { sun.hex }

    /// 0 far away, where the haze takes the colour of the horizon; 1 at our feet.
    func land(depth: Double) -> String { edge.mixed(with: ground, 0.38 + 0.62 * depth).hex }
}
