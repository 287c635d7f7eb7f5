// Byte sequences that are not UTF-8. RFC 3629 3 and 4 (the ABNF says where each one goes wrong).

export interface BadSequence {
  name: string;
  /** In hex. */
  bytes: string;
  /** Index of the first byte that cannot stand there. */
  at: number;
}

const bad = (name: string, bytes: string, at: number): BadSequence => ({ name, bytes, at });

export const INVALID: BadSequence[] = [
  bad('a lone continuation byte 80', '80', 0),
  bad('a lone continuation byte BF', 'bf', 0),
  bad('two lone continuation bytes', '80 bf', 0),
  bad('a continuation byte too many after 2', 'c3 a9 a9', 2),
  bad('a continuation byte too many after 3', 'e6 b0 b4 80', 3),
  bad('a continuation byte too many after 4', 'f0 9f 90 9a 80', 4),
  bad('2-byte start, then ASCII', 'c3 20', 1),
  bad('2-byte start, then another start', 'c3 c3 a9', 1),
  bad('3-byte start, then ASCII', 'e6 20', 1),
  bad('3-byte start and one byte, then ASCII', 'e6 b0 20', 2),
  bad('4-byte start, then ASCII', 'f0 20', 1),
  bad('4-byte start and one byte, then ASCII', 'f0 9f 20', 2),
  bad('4-byte start and two bytes, then ASCII', 'f0 9f 90 20', 3),
  bad('4-byte start and two bytes, then a start', 'f0 9f 90 c3 a9', 3),
  bad('the impossible byte FE', 'fe', 0),
  bad('the impossible byte FF', 'ff', 0),
  bad('a UTF-16 byte order mark', 'ff fe 41 00', 0),
  bad('Latin-1 e acute, then ASCII', 'e9 20', 1),
  bad('overlong NUL in 2 bytes', 'c0 80', 0),
  bad('overlong slash in 2 bytes', 'c0 af', 0),
  bad('overlong U+007F in 2 bytes', 'c1 bf', 0),
  bad('overlong NUL in 3 bytes', 'e0 80 80', 1),
  bad('overlong slash in 3 bytes', 'e0 80 af', 1),
  bad('overlong U+07FF in 3 bytes', 'e0 9f bf', 1),
  bad('overlong NUL in 4 bytes', 'f0 80 80 80', 1),
  bad('overlong slash in 4 bytes', 'f0 80 80 af', 1),
  bad('overlong U+FFFF in 4 bytes', 'f0 8f bf bf', 1),
  bad('a 5-byte form', 'f8 88 80 80 80', 0),
  bad('the greatest 5-byte form', 'fb bf bf bf bf', 0),
  bad('a 6-byte form', 'fc 84 80 80 80 80', 0),
  bad('the greatest 6-byte form', 'fd bf bf bf bf bf', 0),
  bad('surrogate U+D800', 'ed a0 80', 1),
  bad('surrogate U+DB7F', 'ed ad bf', 1),
  bad('surrogate U+DBFF', 'ed af bf', 1),
  bad('surrogate U+DC00', 'ed b0 80', 1),
  bad('surrogate U+DFFF', 'ed bf bf', 1),
  bad('a pair of surrogates (CESU-8)', 'ed a0 bd ed b0 9a', 1),
  bad('U+110000', 'f4 90 80 80', 1),
  bad('U+13FFFF', 'f4 bf bf bf', 1),
  bad('U+140000', 'f5 80 80 80', 0),
  bad('U+1FFFFF', 'f7 bf bf bf', 0),
];

/** Right so far; wrong only because the message ends. */
export const TRUNCATED: { name: string; bytes: string }[] = [
  { name: '1 byte of 2', bytes: 'c3' },
  { name: '1 byte of 3', bytes: 'e6' },
  { name: '2 bytes of 3', bytes: 'e6 b0' },
  { name: '1 byte of 4', bytes: 'f0' },
  { name: '2 bytes of 4', bytes: 'f0 9f' },
  { name: '3 bytes of 4', bytes: 'f0 9f 90' },
];
