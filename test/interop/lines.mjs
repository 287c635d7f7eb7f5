// Lines of several parties → printed one party after the other: what happens on different sockets
// happens in any order.

const tracks = new Map();

/** Words as they are, all else as JSON. */
export function note(track, ...words) {
  const line = words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word)));
  tracks.set(track, [...of(track), line.join(' ')]);
}

/** The lines of a party so far. */
export function of(track) {
  return tracks.get(track) ?? [];
}

export function print() {
  for (const [track, lines] of [...tracks].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${track}\n  ${lines.join('\n  ')}`);
  }
}
