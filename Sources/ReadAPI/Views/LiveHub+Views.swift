import HeadwayCore

/// What was rendered for all clients of one subject in one view's words.
struct ViewRendering {
    let lens: ViewLens
    /// Streams that use it; with the last it goes.
    var users = 0
    /// The state it was rendered of.
    var token: VersionToken?
    var frame: ViewFrame?
}

extension LiveHub {
    func retain(_ lens: ViewLens) { renderings[lens.key, default: ViewRendering(lens: lens)].users += 1 }

    func release(_ lens: ViewLens) {
        renderings[lens.key]?.users -= 1
        if renderings[lens.key]?.users == 0 { renderings[lens.key] = nil }
    }

    /// The frame of an image: rendered once, however many are shown it.
    func frame(of image: LiveImage, through lens: ViewLens) -> ViewFrame {
        if let known = renderings[lens.key], known.token == image.token, let frame = known.frame {
            return frame
        }
        let frame = lens.frame(of: image.answer)
        renderings[lens.key]?.token = image.token
        renderings[lens.key]?.frame = frame
        stats.viewFrames += 1
        return frame
    }
}
