/** @file The worker of the coarse gradient: the library's theory, and proxies that are written on the page. */
import { type CoarseProxy, proxies } from "coarsegrad/quant";
import {
  expectedCoarseGradient,
  populationGradientV,
  populationGradientW,
  populationLoss,
  poseOf,
} from "coarsegrad/theory";
import { serve } from "coarsegrad/worker";
import {
  type CoarsePoint,
  type Descent,
  type PointReport,
  type ProxyName,
  type State,
  type Sweep,
  TEACHER_W,
  type Vec,
} from "./model.js";
import { compileProxy } from "./own-proxy.js";

let own: CoarseProxy | null = null;

function proxyOf(name: ProxyName): CoarseProxy {
  if (name !== "own") return proxies[name];
  if (own === null) throw new Error("There is no proxy of your own yet.");
  return own;
}

const dot = (a: readonly number[], b: readonly number[]): number => a[0] * b[0] + a[1] * b[1];
const norm = (a: readonly number[]): number => Math.sqrt(dot(a, a));
const vec = ([x, y]: readonly number[]): Vec => [x, y];

function report({ w, v, teacherV }: State, names: readonly ProxyName[]): PointReport {
  const [student, teacher] = [
    { v, w },
    { v: teacherV, w: TEACHER_W },
  ];
  const gradient = vec(populationGradientW(student, teacher));
  const coarse = names.map((proxy): CoarsePoint => {
    const g = vec(expectedCoarseGradient(student, teacher, proxyOf(proxy)));
    const correlation = dot(g, gradient);
    const cosine = correlation / (norm(g) * norm(gradient));
    return { proxy, gradient: g, norm: norm(g), correlation, angle: Math.acos(Math.max(-1, Math.min(1, cosine))) };
  });
  const { theta } = poseOf("report", w, TEACHER_W);
  return { loss: populationLoss(student, teacher), theta, gradient, norm: norm(gradient), coarse };
}

function sweep({ w, v, teacherV }: State, names: readonly ProxyName[]): Sweep {
  const degrees = Array.from({ length: 61 }, (_, i) => 3 * i);
  const length = norm(w);
  const correlations: Partial<Record<ProxyName, number[]>> = {};
  for (const name of names) {
    correlations[name] = degrees.map((degree) => {
      const angle = (degree * Math.PI) / 180;
      const at: State = { w: [length * Math.cos(angle), length * Math.sin(angle)], v, teacherV };
      return report(at, [name]).coarse[0].correlation;
    });
  }
  return { degrees, correlations };
}

/** Points of a path that are drawn. */
const MOST_POINTS = 400;

function descend(start: State, proxy: ProxyName, lr: number, steps: number): Descent {
  const teacher = { v: start.teacherV, w: TEACHER_W };
  const every = Math.max(1, Math.ceil(steps / MOST_POINTS));
  let student = { v: [...start.v], w: [...start.w] };
  const path: Vec[] = [vec(student.w)];
  const losses = [populationLoss(student, teacher)];
  for (let step = 1; step <= steps; step++) {
    const gw = expectedCoarseGradient(student, teacher, proxyOf(proxy));
    const gv = populationGradientV(student, teacher);
    const next = { v: student.v.map((x, i) => x - lr * gv[i]), w: student.w.map((x, i) => x - lr * gw[i]) };
    if (![...next.v, ...next.w].every(Number.isFinite) || norm(next.w) > 1e6 || norm(next.w) < 1e-9) {
      return { proxy, path, losses, v: vec(student.v), ending: `left the finite range at step ${step}` };
    }
    student = next;
    if (step % every === 0 || step === steps) {
      path.push(vec(student.w));
      losses.push(populationLoss(student, teacher));
    }
  }
  return { proxy, path, losses, v: vec(student.v), ending: endingOf(student, start.teacherV) };
}

function endingOf(student: { v: readonly number[]; w: readonly number[] }, teacherV: Vec): string {
  const { theta } = poseOf("descend", student.w, TEACHER_W);
  const degrees = (theta * 180) / Math.PI;
  if (degrees < 3 && dot(student.v, teacherV) > 0) return "at the teacher";
  if (degrees > 177 && dot(student.v, teacherV) < 0) return "at the spurious minimum";
  return `still ${degrees.toFixed(0)}° away`;
}

const handlers = {
  report,
  sweep,
  descend,
  /** Takes a proxy's code; gives its slope at some places. @throws Error if it is none */
  own(code: string): void {
    own = compileProxy(code);
  },
  slopes(name: ProxyName, xs: readonly number[]): number[] {
    return xs.map((x) => proxyOf(name).dx(x, 1, 1));
  },
};

export type GradientHandlers = typeof handlers;

serve(handlers);
