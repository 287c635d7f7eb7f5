// The frame header, read and written. RFC 6455 5.2.

import { ErrorCode, Role } from '../../../assembly/abi';
import {
  headerKey,
  headerLength,
  headerPayload,
  headerRefuse,
  headerSize,
  headerWrite,
} from '../../../assembly/protocol/frame';
import { HERE, hex, isHex } from '../bytes';

describe('headerLength', () => {
  it('follows from the second byte', () => {
    expect<u32>(headerLength(0x00)).toBe(2);
    expect<u32>(headerLength(0x7d)).toBe(2);
    expect<u32>(headerLength(0x7e)).toBe(4);
    expect<u32>(headerLength(0x7f)).toBe(10);
    expect<u32>(headerLength(0x80)).toBe(6);
    expect<u32>(headerLength(0xfd)).toBe(6);
    expect<u32>(headerLength(0xfe)).toBe(8);
    expect<u32>(headerLength(0xff)).toBe(14);
  });
});

/** How many of all 65,536 pairs of bytes are judged otherwise than RFC 6455 does, and RFC 7692 if `deflate`. */
function misjudged(deflate: u32): i32 {
  let wrong = 0;
  for (let b0: u32 = 0; b0 < 256; b0++) {
    for (let b1: u32 = 0; b1 < 256; b1++) {
      const opcode = b0 & 15;
      const control = opcode > 7;
      const begins = opcode == 1 || opcode == 2;
      const right =
        (b0 & (deflate && begins ? 0x30 : 0x70)) == 0 &&
        (opcode < 3 || (opcode > 7 && opcode < 11)) &&
        (!control || (b0 >= 0x80 && (b1 & 0x7f) < 126)) &&
        b1 >= 0x80;
      if ((headerRefuse(b0, b1, Role.SERVER, deflate) == 0) != right) wrong += 1;
      if ((headerRefuse(b0, b1 ^ 0x80, Role.CLIENT, deflate) == 0) != right) wrong += 1;
    }
  }
  return wrong;
}

describe('headerRefuse', () => {
  it('judges all 65,536 pairs of bytes as RFC 6455 does', () => {
    expect<i32>(misjudged(0)).toBe(0);
  });

  it('judges them as RFC 7692 does where permessage-deflate was agreed on', () => {
    expect<i32>(misjudged(15)).toBe(0);
    expect<i32>(misjudged(8 | 0x10)).toBe(0);
  });

  it('names the rule', () => {
    expect<i32>(headerRefuse(0xc1, 0x80, Role.SERVER, 0)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0x83, 0x80, Role.SERVER, 0)).toBe(ErrorCode.OPCODE);
    expect<i32>(headerRefuse(0x09, 0x80, Role.SERVER, 0)).toBe(ErrorCode.CONTROL_FRAGMENTED);
    expect<i32>(headerRefuse(0x88, 0xfe, Role.SERVER, 0)).toBe(ErrorCode.CONTROL_LENGTH);
    expect<i32>(headerRefuse(0x81, 0x05, Role.SERVER, 0)).toBe(ErrorCode.UNMASKED);
    expect<i32>(headerRefuse(0x81, 0x85, Role.CLIENT, 0)).toBe(ErrorCode.MASKED);
  });

  it('lets RSV1 stand where a compressed message begins, and nowhere else', () => {
    // RFC 7692 6: text and binary, whole or the first fragment of one.
    expect<i32>(headerRefuse(0xc1, 0x80, Role.SERVER, 15)).toBe(0);
    expect<i32>(headerRefuse(0x42, 0x80, Role.SERVER, 15)).toBe(0);
    expect<i32>(headerRefuse(0xc2, 0x00, Role.CLIENT, 15)).toBe(0);
    expect<i32>(headerRefuse(0xc0, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xc8, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xc9, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xca, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xc3, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xa1, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
    expect<i32>(headerRefuse(0xd1, 0x80, Role.SERVER, 15)).toBe(ErrorCode.RSV);
  });
});

describe('headerPayload', () => {
  it('reads all three forms', () => {
    hex(HERE, '81 7d');
    expect<i64>(headerPayload(HERE)).toBe(125);
    hex(HERE, '81 fe 00 7e');
    expect<i64>(headerPayload(HERE)).toBe(126);
    hex(HERE, '81 7e ff ff');
    expect<i64>(headerPayload(HERE)).toBe(65535);
    hex(HERE, '81 7f 00 00 00 00 00 01 00 00');
    expect<i64>(headerPayload(HERE)).toBe(65536);
    hex(HERE, '81 ff 7f ff ff ff ff ff ff ff');
    expect<i64>(headerPayload(HERE)).toBe(i64.MAX_VALUE);
  });

  it('refuses forms that are not the shortest, and the sign bit', () => {
    hex(HERE, '81 7e 00 7d');
    expect<i64>(headerPayload(HERE)).toBe(ErrorCode.LENGTH_FORM);
    hex(HERE, '81 7f 00 00 00 00 00 00 ff ff');
    expect<i64>(headerPayload(HERE)).toBe(ErrorCode.LENGTH_FORM);
    hex(HERE, '81 7f 80 00 00 00 00 00 00 00');
    expect<i64>(headerPayload(HERE)).toBe(ErrorCode.LENGTH_SIGN);
  });
});

describe('headerKey', () => {
  it('is the last word of a masked header, 0 of a plain one', () => {
    hex(HERE, '81 85 37 fa 21 3d');
    expect<u32>(headerKey(HERE, 6)).toBe(0x3d21fa37);
    hex(HERE, '81 fe 00 7e 01 02 03 04');
    expect<u32>(headerKey(HERE, 8)).toBe(0x04030201);
    hex(HERE, '81 05 37 fa 21 3d');
    expect<u32>(headerKey(HERE, 2)).toBe(0);
  });
});

describe('headerWrite', () => {
  it('writes the shortest form', () => {
    expect<usize>(headerWrite(HERE, 0x81, 125, false, 0) - HERE).toBe(2);
    expect<bool>(isHex(HERE, '81 7d')).toBe(true);
    expect<usize>(headerWrite(HERE, 0x82, 126, false, 0) - HERE).toBe(4);
    expect<bool>(isHex(HERE, '82 7e 00 7e')).toBe(true);
    expect<usize>(headerWrite(HERE, 0x82, 65535, true, 0x3d21fa37) - HERE).toBe(8);
    expect<bool>(isHex(HERE, '82 fe ff ff 37 fa 21 3d')).toBe(true);
    expect<usize>(headerWrite(HERE, 0x02, 65536, true, 0x04030201) - HERE).toBe(14);
    expect<bool>(isHex(HERE, '02 ff 00 00 00 00 00 01 00 00 01 02 03 04')).toBe(true);
  });

  it('is as long as headerSize says, and reads as it was written', () => {
    let wrong = 0;
    for (let n: u32 = 0; n < 70_000; n += n < 300 ? 1 : 97) {
      for (let masked = 0; masked < 2; masked++) {
        const end = headerWrite(HERE, 0x82, n, masked == 1, 7);
        if (end - HERE != <usize>headerSize(n, masked == 1)) wrong += 1;
        if (headerLength(load<u8>(HERE, 1)) != <u32>(end - HERE)) wrong += 1;
        if (headerPayload(HERE) != <i64>n) wrong += 1;
        if (headerKey(HERE, <u32>(end - HERE)) != (masked ? 7 : 0)) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
  });
});
