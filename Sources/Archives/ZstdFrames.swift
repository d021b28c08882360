internal import CZstd
import Machine

/// A zstd stream; `docs/formats/archive.md` has its form.
func zstdCompressor(level: Int, to sink: any ByteSink) -> FrameCompressor {
    let parameters = FrameParameters(level: level)
    return FrameCompressor(
        to: sink, frameSize: parameters.frameSize, frameBound: ZSTD_compressBound(parameters.frameSize)
    ) { try ZstdFrames(parameters) }
}

/// How the frames of a zstd stream are made; `docs/performance.md` says why so.
private struct FrameParameters: Sendable {
    /// Bytes of content in a frame, at most. Nothing is found again across frames, which costs high levels more.
    let frameSize: Int
    private let settings: [Setting]

    private struct Setting: Sendable {
        let parameter: ZSTD_cParameter
        let value: Int32
    }

    init(level: Int) {
        frameSize = level < 10 ? streamBufferSize : 4 * streamBufferSize
        var settings = [
            Setting(parameter: ZSTD_c_compressionLevel, value: Int32(clamping: level)),
            Setting(parameter: ZSTD_c_checksumFlag, value: 1),
        ]
        if level == 3 {
            // Half of zstd's tables, so that a core's own cache holds them: a tenth faster, and 0.1 % larger.
            settings.append(Setting(parameter: ZSTD_c_hashLog, value: 16))
            settings.append(Setting(parameter: ZSTD_c_chainLog, value: 15))
        }
        self.settings = settings
    }

    fileprivate func apply(to context: OpaquePointer) throws {
        for setting in settings {
            let result = ZSTD_CCtx_setParameter(context, setting.parameter, setting.value)
            if ZSTD_isError(result) != 0 { throw ArchiveError.zstd(result) }
        }
    }
}

/// Makes zstd frames, each with its content's size and checksum.
private final class ZstdFrames: FrameMaker {
    private let context: OpaquePointer

    /// - Throws: `archive.no-memory`, `archive.zstd`.
    init(_ parameters: FrameParameters) throws {
        guard let context = ZSTD_createCCtx() else { throw ArchiveError.noMemory("compress") }
        self.context = context
        try parameters.apply(to: context)
    }

    deinit { ZSTD_freeCCtx(context) }

    func makeFrame(of content: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) throws -> Int {
        let length = ZSTD_compress2(context, room.baseAddress, room.count, content.baseAddress, content.count)
        if ZSTD_isError(length) != 0 { throw ArchiveError.zstd(length) }
        return length
    }
}
