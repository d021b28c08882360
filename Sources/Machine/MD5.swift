internal import CCrypto

/// MD5, where a format asks for it; good for spreading things, and against nobody.
package func md5(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 16)
    var length: UInt32 = 0
    precondition(
        EVP_Digest(bytes, bytes.count, &digest, &length, EVP_md5(), nil) == 1 && length == 16,
        "BUG: libcrypto has no MD5")
    return digest
}
