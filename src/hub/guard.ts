import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Failure } from '../core/failure.ts';

// Whoever may name an address for the service to fetch could have it ask machines that only the service can reach. So every
// connection, redirects too, goes to public addresses over https; the operator's own endpoint, called home, may lie anywhere.

const rangeOf = (address: string): string => ipaddr.process(address).range();

/** An address literal as net.connect takes it: IPv6 without its brackets. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** Whether a URL names this machine: as `localhost`, or by a loopback address. */
export function isLoopback(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || (isIP(host) > 0 && rangeOf(host) === 'loopback');
}

const isPlain = (home: URL | undefined): boolean => home?.protocol === 'http:';

/** Loopback is open where home itself is plain http, which the configuration allows on this machine only. */
function mayReach(address: string, url: URL, home: URL | undefined): boolean {
  const range = rangeOf(address);
  return range === 'unicast' || url.origin === home?.origin || (isPlain(home) && range === 'loopback');
}

const refused = (url: URL, why: string): Failure =>
  new Failure('forbidden', `${url.origin} is not fetched from: ${why}.`, {
    hint: 'Give a public https address, or download the file and send it.',
    field: 'source',
  });

/**
 * Checks what a URL itself shows.
 * @param home the operator's endpoint, where the request has to do with it
 * @throws Failure `forbidden`
 */
export function admit(url: URL, home: URL | undefined): void {
  const plain = url.protocol === 'http:' && isPlain(home) && isLoopback(url);
  if (url.protocol !== 'https:' && !plain) throw refused(url, 'it is not https');
  if (url.username !== '' || url.password !== '') throw refused(url, 'the address holds a name or password, which would be stored');
  const host = hostOf(url);
  if (isIP(host) > 0 && !mayReach(host, url, home)) throw refused(url, 'it is no public address');
}

type Resolver = (
  hostname: string,
  options: { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * The look-up of one connection, for `http.request`: what it returns has been checked and is what is connected to, so a name that
 * resolves otherwise a moment later changes nothing. Fails the connection with Failure `forbidden`.
 */
export function guardedLookup(url: URL, home: URL | undefined, resolver: Resolver = lookup): LookupFunction {
  return (hostname, options, callback) =>
    resolver(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const open = addresses.filter(({ address }) => mayReach(address, url, home));
      if (open.length === 0) return callback(refused(url, 'its name leads to no public address'), []);
      if (options.all) callback(null, open);
      else callback(null, open[0].address, open[0].family);
    });
}
