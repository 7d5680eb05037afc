/// CRC-16/XMODEM: the checksum that Redis Cluster maps keys to slots by, and `binascii.crc_hqx(id, 0)`
/// in Python. It decides which partition an id belongs to, so it can never change.
enum CRC16 {
    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { remainder, _ in
            remainder & 0x8000 == 0 ? remainder << 1 : remainder << 1 ^ 0x1021
        }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt16 {
        let table = table
        return bytes.reduce(0) { $0 << 8 ^ table[Int($0 >> 8 ^ UInt16($1))] }
    }
}
