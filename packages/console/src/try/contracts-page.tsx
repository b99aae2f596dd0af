import type { DescService } from '@bufbuild/protobuf';
import { commentOf, splitComment } from '@rondo/schema/form';
import { useEffect, useState } from 'preact/hooks';
import { type Contracts, callersOf, loadContracts } from '../contracts/load.js';
import { Paragraphs } from '../contracts/prose.js';
import { textOf } from '../page/fault.js';
import { Field } from '../page/form.js';
import { pathOf } from './copy.js';
import { MethodPage } from './method-page.js';

/** The services and methods that can be called, and the one that the address names: `#/methods/sales.v1.OrderService/PlaceOrder`. */
export function ContractsPage({ name }: { readonly name: string }) {
  /** Undefined while they are read; the reason if they can't be. */
  const [loaded, setLoaded] = useState<Contracts | string>();
  const [round, setRound] = useState(0);
  const [word, setWord] = useState('');
  useEffect(() => {
    const gone = new AbortController();
    setLoaded(undefined);
    loadContracts(gone.signal).then(setLoaded, (cause) => setLoaded(textOf(cause)));
    return () => gone.abort();
  }, [round]);
  const reload = (
    <button type="button" onClick={() => setRound(round + 1)}>
      Read the contracts again
    </button>
  );
  if (loaded === undefined) return <p role="status">Reading the contracts …</p>;
  if (typeof loaded === 'string') {
    return (
      <p role="alert">
        The contracts can’t be read: {loaded} {reload}
      </p>
    );
  }
  const method = loaded.services.flatMap(({ methods }) => methods).find((one) => pathOf(one) === `/${name}`);
  const service = loaded.services.find(({ typeName }) => typeName === name);
  return (
    <div class="columns">
      <nav aria-label="Methods">
        <Field label="Find a method" inputMode="search" value={word} onChange={setWord} />
        {loaded.services.map((one) => (
          <ServiceLinks key={one.typeName} service={one} current={name} word={word.trim().toLowerCase()} />
        ))}
        {reload}
      </nav>
      <div class="page">
        {method && <MethodPage key={name} contracts={loaded} method={method} />}
        {service && <ServicePage contracts={loaded} service={service} />}
        {!method && !service && <Introduction name={name} services={loaded.services.length} />}
      </div>
    </div>
  );
}

function Introduction({ name, services }: { readonly name: string; readonly services: number }) {
  if (name !== '') return <p>No service that runs has {name}.</p>;
  if (services > 0) return <p>Choose a method to see its contract, and to call it.</p>;
  return <p>No public service is known yet. Start one, and read the contracts again.</p>;
}

interface ServiceLinksProps {
  readonly service: DescService;
  readonly current: string;
  /** Only methods with it in their names are listed. */
  readonly word: string;
}

function ServiceLinks({ service, current, word }: ServiceLinksProps) {
  const methods = service.methods.filter((method) => pathOf(method).toLowerCase().includes(word));
  const isOpen = word !== '' || current.startsWith(service.typeName);
  if (methods.length === 0 && word !== '') return null;
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
        {methods.map((method) => (
          <li key={method.name}>{link(pathOf(method).slice(1), method.name)}</li>
        ))}
      </ul>
    </details>
  );
}

function ServicePage({ contracts, service }: { readonly contracts: Contracts; readonly service: DescService }) {
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
            <dd>
              {splitComment(commentOf(method)).summary} {callersOf(contracts, method)}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
