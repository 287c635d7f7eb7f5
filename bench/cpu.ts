// A process, or the whole machine → CPU time used so far, in clock ticks. proc(5):
//   /proc/PID/stat   1234 (a name) with) blanks) S 1 …  utime stime …
//                    pid  comm, up to the last ')'      fields 14 and 15, all threads, not children
//   /proc/stat       cpu  user nice system idle iowait irq softirq steal …
//                    all CPUs together

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** User and system time of a process, in clock ticks; null where there is no /proc or no such process. */
export function cpuTicks(pid: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // What follows ") " begins with field 3, so field n stands at n - 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[14 - 3]) + Number(fields[15 - 3]);
  return Number.isFinite(ticks) ? ticks : null;
}

/** Time in which any CPU of the machine did anything, in clock ticks; null where there is no /proc. */
export function machineTicks(): number | null {
  let stat: string;
  try {
    stat = readFileSync('/proc/stat', 'latin1');
  } catch {
    return null;
  }
  const [user = NaN, nice = NaN, system = NaN, , , irq = NaN, softirq = NaN, steal = NaN] = (
    /^cpu +(.*)/.exec(stat)?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  const ticks = user + nice + system + irq + softirq + steal;
  return Number.isFinite(ticks) ? ticks : null;
}

/** Clock ticks per second, 100 on nearly every Linux. */
export function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'ascii' })) || 100;
  } catch {
    return 100;
  }
}
