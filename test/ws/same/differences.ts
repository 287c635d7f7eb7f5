// Two logs → the lines that only one of them has: `- ` is missing, `+ ` is too much.

export function differences(
  right: Record<string, string[]>,
  other: Record<string, string[]>,
): string[] {
  const tracks = new Set([...Object.keys(right), ...Object.keys(other)]);
  return [...tracks].flatMap((track) =>
    between(right[track] ?? [], other[track] ?? []).map((line) => `${track} ${line}`),
  );
}

/** By the longest common subsequence. */
function between(right: string[], other: string[]): string[] {
  const common = Array.from({ length: right.length + 1 }, () =>
    new Array<number>(other.length + 1).fill(0),
  );
  for (let i = right.length - 1; i >= 0; i--) {
    for (let j = other.length - 1; j >= 0; j--) {
      common[i][j] =
        right[i] === other[j]
          ? common[i + 1][j + 1] + 1
          : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < right.length || j < other.length;) {
    if (i < right.length && j < other.length && right[i] === other[j]) {
      i++;
      j++;
    } else if (j === other.length || (i < right.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push(`- ${right[i++]}`);
    } else {
      lines.push(`+ ${other[j++]}`);
    }
  }
  return lines;
}
