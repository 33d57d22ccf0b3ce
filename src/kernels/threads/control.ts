/**
 * @file The control block: shared memory, apart from the heap, through which the main thread hands out work. Imports
 * nothing.
 *
 * A job is one kernel and up to {@link MAX_CALLS} argument lists. Its calls have consecutive tickets, and tickets are
 * never used twice (they wrap after 2³²): whoever moves NEXT from t to t + 1, by compare-and-exchange, owns ticket t.
 * The words of a job are written before LIMIT is raised and stay until all its calls are DONE, so a thread that woke
 * late cannot mistake one job for another.
 */

// Indices of 32-bit words. What different threads write lies in different cache lines.
/** One past the last ticket handed out; workers sleep on it. */
export const LIMIT = 0;
/** The next ticket to be taken. */
export const NEXT = 16;
/** Calls of the present job that are finished; the main thread sleeps on it. */
export const DONE = 32;
/** Not 0: workers shall end. */
export const STOP = 48;
/** The number of the worker whose kernel threw, or 0. */
export const FAILED = 49;
/** Workers that sleep, or are about to. */
export const SLEEPERS = 50;
/** The present job: index of the kernel among the module's exports. */
export const KERNEL = 64;
/** First ticket of the job. */
export const BASE = 65;
/** Number of its calls. */
export const COUNT = 66;
/** Number of arguments of each call. */
export const ARITY = 67;
/** Which argument is the workspace, of which every thread has its own; −1: none. */
export const WORK = 68;
/** Bytes from one thread's workspace to the next one's. */
export const WORK_STRIDE = 69;

/** Most calls of a job. */
export const MAX_CALLS = 128;
/** Most arguments of a kernel. */
export const MAX_ARGUMENTS = 20;

// Indices of 64-bit numbers.
/** Arguments of the calls. */
export const ARGUMENTS = 64;
/** What the calls returned. */
export const RESULTS = ARGUMENTS + MAX_CALLS * MAX_ARGUMENTS;

/** Bytes of the block. */
export const CONTROL_BYTES = 8 * (RESULTS + MAX_CALLS);
