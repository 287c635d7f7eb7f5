// Limits of a profile → those that no core can have are refused before one is built.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LIMITS, parseProfile, profileNames, type Limit } from '../tools/lib/profile.js';

const limitsOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`assembly/profiles/${name}.json`, 'utf8')) as Record<string, unknown>;

describe('limits of a profile', () => {
  it('are those of every profile that ships', () => {
    for (const name of profileNames('.')) parseProfile(limitsOf(name), name);
  });

  it('are refused where they are one past their bound', () => {
    for (const name of Object.keys(LIMITS) as Limit[]) {
      const wrong = { ...limitsOf('micro'), [name]: LIMITS[name].max + 1 };
      assert.throws(() => parseProfile(wrong, 'micro'), new RegExp(`micro: ${name} is `));
    }
  });

  it('are refused together when their tables need more than addresses reach', () => {
    // Each product is past 2^31, and as an i32 it would be a small number, or less than 0.
    for (const many of [
      { metadataEntries: 2 ** 24, metadataKeyBytes: 255, metadataValueBytes: 255 },
      { rooms: 65_535, topicMaxBytes: 65_535 },
      { takeovers: 65_535, takeoverBits: 15, blockMaxBytes: 65_536, arenaBytes: 65_536 },
      { arenaBytes: 2 ** 30, ingressBytes: 2 ** 30 },
    ]) {
      assert.throws(
        () => parseProfile({ ...limitsOf('micro'), ...many }, 'micro'),
        /micro: static memory is less than 2 GiB, not about \d{4,} MiB/,
        JSON.stringify(many),
      );
    }
  });
});
