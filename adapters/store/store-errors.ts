import { RegraftError } from '../../contracts/error.ts';

/** Something named by digest is not in the store. */
export class StoreNotFound extends RegraftError {
  constructor(what: string, digest: string, root: string) {
    super(
      'STORE_NOT_FOUND',
      `${what} ${digest} is not in the store at ${root}; check that this machine uses the store the run was made with.`,
      { details: { what, digest } },
    );
  }
}

/** Something in the store is not what its name says. */
export class StoreCorrupt extends RegraftError {
  constructor(what: string, digest: string, found: string) {
    super(
      'STORE_CORRUPT',
      `${what} ${digest} is damaged: ${found}; restore the file from a copy or remove it and run again.`,
      { details: { what, digest, found } },
    );
  }
}
