import type { z } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';

type Issue = z.core.$ZodIssue;

const article = (noun: string): string => {
  if (noun === 'int') return 'a whole number';
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
};

const counted = (words: string, limit: unknown, noun: string): string => `must have ${words} ${noun}${limit === 1 ? '' : 's'}`;

const bound = (issue: Extract<Issue, { code: 'too_big' | 'too_small' }>): string => {
  const [strict, loose, limit] = issue.code === 'too_big' ? ['below', 'at most', issue.maximum] : ['above', 'at least', issue.minimum];
  const words = `${issue.inclusive === false ? strict : loose} ${String(limit)}`;
  if (issue.origin === 'string') return counted(words, limit, 'character');
  if (issue.origin === 'array') return counted(words, limit, 'item');
  return `must be ${words}`;
};

const isMissing = (issue: Issue): boolean => issue.code === 'invalid_type' && issue.message.endsWith('received undefined');

/** What must change, to be read after the field's name. */
const demand = (issue: Issue): string => {
  if (isMissing(issue)) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'too_big':
    case 'too_small':
      return bound(issue);
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be an ISO 8601 time in UTC, e.g. 2026-11-24T12:00:00.000Z' : issue.message;
    case 'unrecognized_keys':
      return 'is not a field of this request';
    default:
      return issue.message;
  }
};

/**
 * The issue to tell about: of a union's branches the one that the value was meant for, which is the one with the fewest issues.
 * When even that one has fields too many or too few, the union's own message says more.
 */
const deepest = (issue: Issue, path: PropertyKey[] = []): { issue: Issue; path: PropertyKey[] } => {
  const here = [...path, ...issue.path];
  if (issue.code !== 'invalid_union') return { issue, path: here };
  const branches = issue.errors.filter((branch) => branch.every((each) => each.code !== 'unrecognized_keys' && !isMissing(each)));
  const meant = branches.toSorted((a, b) => a.length - b.length)[0]?.[0];
  return meant ? deepest(meant, here) : { issue, path: here };
};

/** The first thing wrong with a request, as `invalid-request` with the dotted path of its field. */
export const invalidRequest = (issues: readonly Issue[], where: string): Failure => {
  const first = issues[0];
  if (!first) return new Failure('invalid-request', 'The request is not valid.');
  const { issue, path } = deepest(first);
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...path, ...keys].map(String).join('.');
  return new Failure('invalid-request', `${field || `The ${where}`} ${demand(issue)}.`, {
    hint: 'GET /openapi.json describes this request.',
    field: field || undefined,
  });
};
