import { z } from 'zod';
import { Failure } from '../core/failure.ts';
import { type Answer, fetchDocument, type Wire } from './exchange.ts';

/** A revision of a model repository, pinned to its commit. */
export interface Repository {
  readonly name: string;
  readonly commit: string;
  /** Paths, as far as they are plain. */
  readonly files: readonly string[];
  /** As the repository's card says it: `apache-2.0`. */
  readonly licence: string | undefined;
}

/** Requests to a hub: its wire has a home. */
export type HubWire = Wire & { readonly home: URL };

const listing = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(z.object({ rfilename: z.string() })),
  tags: z.array(z.string()).catch([]),
});

const LICENCE = 'license:';

/** Relative to the endpoint, which may have a path of its own. */
const at = (home: URL, path: string): URL => new URL(path, home.href.endsWith('/') ? home : `${home.href}/`);

/** A path that cannot lead out of the place that it is put behind. */
const isPlain = (path: string): boolean => path.split('/').every((part) => !['', '.', '..'].includes(part));

/**
 * Asks the hub which commit a revision is and which files it has.
 * @throws Failure `not-found`, `forbidden` for a gated repository, `malformed-file` for an answer of another form, and what the
 * connection throws
 */
export async function findRepository(name: string, revision: string, wire: HubWire): Promise<Repository> {
  const url = at(wire.home, `api/models/${name}/revision/${encodeURIComponent(revision)}`);
  const text = Buffer.from(await fetchDocument(url, wire, hubRefusal(name, wire))).toString();
  try {
    const { sha, siblings, tags } = listing.parse(JSON.parse(text));
    const files = siblings.map(({ rfilename }) => rfilename).filter(isPlain);
    return { name, commit: sha, files, licence: tags.find((tag) => tag.startsWith(LICENCE))?.slice(LICENCE.length) };
  } catch (cause) {
    throw new Failure('malformed-file', `${wire.home.host} does not answer as a model hub does.`, {
      hint: 'Check HF_ENDPOINT.',
      field: 'source',
      cause,
    });
  }
}

/** Where a file of the repository lies; the commit makes it the same bytes for ever. */
export function addressOf({ name, commit }: Repository, file: string, { home }: HubWire): URL {
  return at(home, `${name}/resolve/${commit}/${file.split('/').map(encodeURIComponent).join('/')}`);
}

/** What the hub's refusal means. It answers 401 for what it will not even tell of, so that private names stay unknown. */
export function hubRefusal(name: string, { home, token }: HubWire): (answer: Answer) => Failure {
  return ({ status, headers }) => {
    const code = headers['x-error-code'];
    if (status === 403 || code === 'GatedRepo') {
      return new Failure('forbidden', `${home.host} does not give ${name} to everybody.`, {
        hint: 'Accept its terms there, and set HF_TOKEN to a token of the account that did.',
        field: 'source',
      });
    }
    if (status === 404 && code === 'RevisionNotFound') {
      return new Failure('not-found', `${name} has no such revision.`, { hint: 'Name a branch, tag or commit of it.', field: 'source' });
    }
    if (status === 401 || status === 404) {
      return new Failure(
        'not-found',
        `${home.host} has no model ${name} that may be read ${token === undefined ? 'without a' : 'with this'} token.`,
        {
          hint: 'Check the name; for a private model set HF_TOKEN.',
          field: 'source',
        },
      );
    }
    return new Failure('download-failed', `${home.host} answered ${status} for ${name}.`, { hint: 'Try again later.', field: 'source' });
  };
}

/** Kinds of model files, the one that is taken first; PyTorch's own export of a name says the most about its weights. */
const kinds: readonly RegExp[] = [
  /^model\.safetensors$/,
  /^pytorch_model\.bin$/,
  /\.safetensors$/,
  /\.(pt|pth)$/,
  /\.onnx$/,
  /\.keras$/,
  /\.h5$/,
];
const PART = /-\d{5}-of-\d{5}\./;
/** Names that a message lists. */
const LISTED = 8;

/**
 * The model file of a repository: by kind, then the least nested, then the shortest name (`model.onnx` before `model_int8.onnx`).
 * @param wanted the path of the one that the user named
 * @throws Failure `not-found`; `unsupported-format` where there is none, or one in parts
 */
export function modelFileOf({ name, files }: Repository, wanted?: string): string {
  const listed = files.slice(0, LISTED).join(', ') + (files.length > LISTED ? ` and ${files.length - LISTED} more` : '');
  if (wanted !== undefined) {
    if (files.includes(wanted)) return wanted;
    throw new Failure('not-found', `${name} has no file ${wanted}.`, { hint: `It has ${listed || 'none'}.`, field: 'source' });
  }
  const depth = (path: string): number => path.split('/').length;
  const nearest = (a: string, b: string): number => depth(a) - depth(b) || a.length - b.length || (a < b ? -1 : 1);
  for (const kind of kinds) {
    const [first] = files.filter((file) => kind.test(file) && !PART.test(file)).sort(nearest);
    if (first !== undefined) return first;
  }
  const parts = files.filter((file) => PART.test(file));
  if (parts.length > 0) {
    throw new Failure('unsupported-format', `The weights of ${name} are in ${parts.length} parts.`, {
      hint: 'Models of one file are read; classifiers of these families fit in one.',
      field: 'source',
    });
  }
  throw new Failure('unsupported-format', `${name} has no model file of a kind that is read here.`, {
    hint: `It has ${listed || 'no files'}; safetensors, PyTorch, ONNX and Keras files are read.`,
    field: 'source',
  });
}
