// Close codes and the payload of a Close frame. RFC 6455 5.5.1 and 7.4.

import { ErrorCode } from '../../../assembly/abi';
import {
  closeCodeOf,
  closeCodeRead,
  closeCodeValid,
  closeRead,
} from '../../../assembly/protocol/close';
import { HERE, hex } from '../bytes';

function read(text: string, judged: u32 = 1): i32 {
  return closeRead(HERE, hex(HERE, text), judged);
}

describe('closeCodeValid', () => {
  it('takes 1000-1003, 1007-1014 and 3000-4999 of all 65,536 codes', () => {
    let wrong = 0;
    for (let code: u32 = 0; code < 65536; code++) {
      const right =
        (code >= 1000 && code <= 1003) ||
        (code >= 1007 && code <= 1014) ||
        (code >= 3000 && code <= 4999);
      if (closeCodeValid(code) != right) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('refuses numbers that are no 16 bits', () => {
    expect<bool>(closeCodeValid(65536 + 1000)).toBe(false);
    expect<bool>(closeCodeValid(0xffffffff)).toBe(false);
  });
});

describe('closeRead', () => {
  it('reads code and reason', () => {
    expect<i32>(read('')).toBe(1005);
    expect<i32>(read('03e8')).toBe(1000);
    expect<i32>(read('0fa0 627965')).toBe(4000);
    expect<i32>(read('03e9 e282ac')).toBe(1001);
  });

  it('refuses one byte, codes that must not be sent, and reasons that are not UTF-8', () => {
    expect<i32>(read('03')).toBe(ErrorCode.CLOSE_LENGTH);
    expect<i32>(read('03ed')).toBe(ErrorCode.CLOSE_CODE);
    expect<i32>(read('0000')).toBe(ErrorCode.CLOSE_CODE);
    expect<i32>(read('ffff 61')).toBe(ErrorCode.CLOSE_CODE);
    expect<i32>(read('03e8 ff')).toBe(ErrorCode.CLOSE_REASON);
    expect<i32>(read('03e8 e282')).toBe(ErrorCode.CLOSE_REASON);
  });
});

describe('closeRead without judgement', () => {
  it('takes any reason, and refuses the rest as before', () => {
    expect<i32>(read('03e8 ff', 0)).toBe(1000);
    expect<i32>(read('03e8 e282', 0)).toBe(1000);
    expect<i32>(read('03', 0)).toBe(ErrorCode.CLOSE_LENGTH);
    expect<i32>(read('03ed ff', 0)).toBe(ErrorCode.CLOSE_CODE);
  });
});

describe('closeCodeRead', () => {
  it('is the first two bytes, or what there is of them', () => {
    expect<u32>(closeCodeRead(HERE, hex(HERE, '03ed 626965'))).toBe(1005);
    expect<u32>(closeCodeRead(HERE, hex(HERE, 'ffff'))).toBe(65_535);
    hex(HERE, '03ff');
    expect<u32>(closeCodeRead(HERE, 1)).toBe(3);
  });
});

describe('closeCodeOf', () => {
  it('is the code that RFC 6455 7.4.1 has for each failure', () => {
    expect<i32>(closeCodeOf(ErrorCode.RSV)).toBe(1002);
    expect<i32>(closeCodeOf(ErrorCode.UNMASKED)).toBe(1002);
    expect<i32>(closeCodeOf(ErrorCode.CLOSE_CODE)).toBe(1002);
    expect<i32>(closeCodeOf(ErrorCode.UTF8)).toBe(1007);
    expect<i32>(closeCodeOf(ErrorCode.CLOSE_REASON)).toBe(1007);
    expect<i32>(closeCodeOf(ErrorCode.TOO_BIG)).toBe(1009);
    expect<i32>(closeCodeOf(ErrorCode.OVERLOAD)).toBe(1013);
    expect<i32>(closeCodeOf(ErrorCode.RATE)).toBe(1008);
    expect<i32>(closeCodeOf(ErrorCode.FRAGMENTS)).toBe(1008);
  });
});
