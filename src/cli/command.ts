import { type Command, InvalidArgumentError } from 'commander';
import { Failure } from '../core/failure.ts';
import { openSession, type Session } from './session.ts';

interface GlobalOptions {
  readonly json?: boolean;
}

/**
 * Wraps a command's work: opens the session, prints a Failure as one sentence of what and one of what to do, and ends
 * cleanly on Ctrl-C.
 */
export function run<A extends unknown[]>(
  work: (session: Session, ...args: A) => Promise<void>,
): (...args: [...A, Command]) => Promise<void> {
  return async (...args) => {
    const command = args[args.length - 1] as Command;
    const { json = false } = command.optsWithGlobals<GlobalOptions>();
    await reporting(async () => {
      const session = await openSession({ json });
      try {
        await work(session, ...(args.slice(0, -1) as A));
      } finally {
        await session.close();
      }
    });
  };
}

/** Runs the work; a Failure becomes the message and exit status 1 (130 when interrupted), a defect keeps its stack. */
export async function reporting(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${failureText(error)}\n`);
    process.exitCode = error.code === 'cancelled' ? 130 : 1;
  }
}

/** `espalier: what is wrong.` with the hint below, aligned. */
export function failureText({ message, hint }: Failure): string {
  const name = 'espalier: ';
  return [`${name}${message}`, ...(hint === undefined ? [] : [`${' '.repeat(name.length)}${hint}`])].join('\n');
}

/** Prints a result: the API's own object with --json, else text for a person. */
export function printed({ json }: Session, value: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text}\n`);
}

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** Parser of an option such as `20M` or `1.5G`. */
export function numeral(option: string): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text);
    if (!match) throw new InvalidArgumentError(`${option} is a number such as 20M, 1.5G or 400000.`);
    return Number(match[1]) * SUFFIXES[match[2]];
  };
}

/** Parser of a share such as 0.3; the service checks the range, so that every caller gets the same answer. */
export function fraction(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError(`${option} is a number such as 0.3.`);
    return value;
  };
}

/** Parser of --round-to. */
export const multiple = (text: string): number | 'auto' => (text === 'auto' ? text : wholeNumber('--round-to')(text));

/** Parser of a count. */
export function wholeNumber(option: string): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`${option} is a whole number.`);
    return Number(text);
  };
}
