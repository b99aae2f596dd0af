import type { Json } from '@rondo/console/page';
import type { Product } from '@rondo/contracts/sales/v1/products';
import { useEffect, useState } from 'preact/hooks';
import { customers, products } from './services.js';

/** What quotes are made of. */
export interface Catalogue {
  /** Their names by resource, the newest first. */
  readonly customers: ReadonlyMap<string, string>;
  /** The newest ones. */
  readonly products: readonly Json<Product>[];
}

/** As many as a list has in one page, and a person reads in a choice. */
const PAGE_SIZE = 100;

/** The newest customers and products, and the customers of what is shown. */
export function useCatalogue(shown: readonly string[]): Catalogue {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const [found, setFound] = useState<readonly Json<Product>[]>([]);
  const add = (all: readonly { readonly name?: string | undefined; readonly displayName?: string | undefined }[]) =>
    setNames(
      (before) => new Map([...before, ...all.map(({ name = '', displayName = '' }) => [name, displayName] as const)]),
    );
  useEffect(() => {
    void customers.call('listCustomers', { pageSize: PAGE_SIZE }).then((page) => add(page.customers ?? []), ignore);
    void products.call('listProducts', { pageSize: PAGE_SIZE }).then((page) => setFound(page.products ?? []), ignore);
  }, []);
  const missing = [...new Set(shown)].filter((name) => !names.has(name));
  useEffect(() => {
    for (const name of missing) void customers.call('getCustomer', { name }).then((one) => add([one]), ignore);
  }, [missing.join()]);
  return { customers: names, products: found };
}

/** The streams say why the service can't be reached; until it can, names stand in place of titles. */
const ignore = () => undefined;
