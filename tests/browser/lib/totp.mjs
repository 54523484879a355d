// Codes of an authenticator app (RFC 6238). The server takes those of the last, this and the next half minute, each
// once, so that a journey has three.
import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export class Authenticator {
  constructor(base32) {
    const bits = [...base32.replaceAll(/[\s=-]/g, "").toUpperCase()]
      .map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"))
      .join("");
    const bytes = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
    this.secret = Buffer.from(bytes);
    this.used = 0;
  }

  /** A code that was not used yet. */
  code() {
    const step = Math.max(this.used + 1, Math.floor(Date.now() / 30_000) - 1);
    this.used = step;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac("sha1", this.secret).update(counter).digest();
    const at = mac[19] & 15;
    return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}
