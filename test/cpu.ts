/** @file Time that work takes, whatever else the machine does. */

/**
 * Milliseconds of processor time, all threads of this process together, since `start`, which {@link process.cpuUsage}
 * gave.
 */
export function cpuMilliseconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
