import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { commentOf, splitComment } from '@rondo/schema/form';
import { useEffect, useState } from 'preact/hooks';
import { type Contracts, loadContracts } from '../contracts/load.js';
import { Paragraphs } from '../contracts/prose.js';
import { pathOf } from './copy.js';
import { MethodPage } from './method-page.js';

type Loaded =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'loaded'; readonly contracts: Contracts };

/** The services and methods that can be called, and the one that the address names: `#/methods/sales.v1.OrderService/PlaceOrder`. */
export function ContractsPage({ name }: { readonly name: string }) {
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'loading' });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    setLoaded({ kind: 'loading' });
    loadContracts(gone.signal).then(
      (contracts) => setLoaded({ kind: 'loaded', contracts }),
      (cause: unknown) => setLoaded({ kind: 'failed', why: cause instanceof Error ? cause.message : String(cause) }),
    );
    return () => gone.abort();
  }, [round]);
  const reload = (
    <button type="button" onClick={() => setRound(round + 1)}>
      Read the contracts again
    </button>
  );
  if (loaded.kind === 'loading') return <p role="status">Reading the contracts …</p>;
  if (loaded.kind === 'failed') {
    return (
      <p role="alert">
        The contracts can’t be read: {loaded.why} {reload}
      </p>
    );
  }
  const { contracts } = loaded;
  const method = contracts.services.flatMap(({ methods }) => methods).find((one) => pathOf(one) === `/${name}`);
  const service = contracts.services.find(({ typeName }) => typeName === name);
  return (
    <div class="columns">
      <nav aria-label="Methods">
        {contracts.services.map((one) => (
          <ServiceLinks key={one.typeName} service={one} current={name} />
        ))}
        {reload}
      </nav>
      <div class="page">
        {method && <MethodPage key={name} contracts={contracts} method={method} />}
        {service && <ServicePage service={service} />}
        {!method && !service && <Introduction name={name} services={contracts.services.length} />}
      </div>
    </div>
  );
}

function Introduction({ name, services }: { readonly name: string; readonly services: number }) {
  if (name !== '') return <p>No service that runs has {name}.</p>;
  if (services > 0) return <p>Choose a method to see its contract, and to call it.</p>;
  return <p>No public service is known yet. Start one, and read the contracts again.</p>;
}

function ServiceLinks({ service, current }: { readonly service: DescService; readonly current: string }) {
  const isOpen = current.startsWith(service.typeName);
  const link = (name: string, text: string) => (
    <a href={`#/methods/${name}`} aria-current={current === name ? 'page' : undefined}>
      {text}
    </a>
  );
  return (
    <details open={isOpen}>
      <summary>{service.typeName}</summary>
      <ul>
        <li>{link(service.typeName, 'about')}</li>
        {service.methods.map((method: DescMethod) => (
          <li key={method.name}>{link(pathOf(method).slice(1), method.name)}</li>
        ))}
      </ul>
    </details>
  );
}

function ServicePage({ service }: { readonly service: DescService }) {
  return (
    <>
      <h2>{service.typeName}</h2>
      <Paragraphs text={commentOf(service)} />
      <dl>
        {service.methods.map((method) => (
          <div key={method.name}>
            <dt>
              <a href={`#/methods/${pathOf(method).slice(1)}`}>{method.name}</a>
            </dt>
            <dd>{splitComment(commentOf(method)).summary}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
