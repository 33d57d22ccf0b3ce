/** @file Types of hosts.mjs, for the tests. */
export function canMakeHosts(): boolean;
export class Hosts {
  readonly addresses: readonly string[];
  constructor(count: number, gigabits?: number);
  mpirun(make: "Open MPI" | "MPICH", ranks: number, options?: readonly string[]): string[];
  sent(host: number): number;
  unplug(host: number): void;
  remove(): void;
}
