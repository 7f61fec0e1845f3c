/** A page from rows that were read with one more than `limit`; `next` is the `after` of the following page. */
export const page = <T extends { readonly id: string }>(rows: readonly T[], limit: number): { items: T[]; next: string | null } => {
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
};
