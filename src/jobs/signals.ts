/** Wake-up calls within this process, by name. */
export interface Signals {
  emit(name: string): void;
  /** Calls back on every name; returns how to stop that. */
  on(listener: () => void): () => void;
  /** Resolves at the name's next call, or when `abort` aborts. */
  next(name: string, abort?: AbortSignal): Promise<void>;
}

export function createSignals(): Signals {
  const listeners = new Set<() => void>();
  const waiting = new Map<string, Set<() => void>>();

  return {
    emit: (name) => {
      for (const listener of listeners) listener();
      for (const wake of waiting.get(name) ?? []) wake();
    },
    on: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    next: (name, abort) =>
      new Promise((resolve) => {
        if (abort?.aborted) return resolve();
        const waiters = waiting.get(name) ?? new Set();
        const wake = (): void => {
          waiters.delete(wake);
          if (waiters.size === 0) waiting.delete(name);
          abort?.removeEventListener('abort', wake);
          resolve();
        };
        waiters.add(wake);
        waiting.set(name, waiters);
        abort?.addEventListener('abort', wake);
      }),
  };
}
