import { type ComponentChildren, render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { BASE } from '../calls/connect.js';

interface FrameProps {
  readonly title: string;
  /** The places that the header links: behind `#/`, with their names. */
  readonly places: readonly (readonly [place: string, name: string])[];
  /** What to show at a place. */
  readonly show: (place: string) => ComponentChildren;
}

const placeNow = () => location.hash.replace(/^#\/?/, '');

/** What stands behind `?` in the address. */
export const queryNow = () => new URLSearchParams(placeNow().split('?')[1]);

/** What stands behind `?` in the address of a page, so that it can be shared, and what changes it. */
export function useQuery(page: string) {
  const query = queryNow();
  const choose = (name: string, value: string) => {
    query.set(name, value);
    location.hash = `#/${page}/?${query}`;
  };
  return [query, choose] as const;
}

/** The parts of the address behind `#/`, as it changes, without what stands behind `?`. */
export function usePlace(): readonly string[] {
  const [at, setAt] = useState(placeNow);
  useEffect(() => {
    const move = () => setAt(placeNow());
    addEventListener('hashchange', move);
    return () => removeEventListener('hashchange', move);
  }, []);
  return (at.split('?')[0] ?? '').split('/').map(decoded);
}

/** A part of the address, which anyone may have written. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface HeaderProps extends Pick<FrameProps, 'title' | 'places'> {
  /** The place that is shown. */
  readonly at: string;
  /** Further links, and what stands behind all. */
  readonly more: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** The name of a page, and the links to its places. */
export const Header = ({ title, places, at, more, children }: HeaderProps) => (
  <header>
    <h1>{title}</h1>
    <nav aria-label="Pages">
      {places.map(([place, name]) => (
        <a key={place} href={`#/${place}`} aria-current={place === at ? 'page' : undefined}>
          {name}
        </a>
      ))}
      {more}
    </nav>
    {children}
  </header>
);

function Frame({ title, places, show }: FrameProps) {
  const at = usePlace().join('/');
  return (
    <>
      <Header title={title} places={places} at={at} more={<a href={BASE.href}>All services</a>} />
      <main class="page">{show(at)}</main>
    </>
  );
}

/** Shows a page of a service in the element `page`, by the part of the address behind `#/`. */
export function showPage(frame: FrameProps): void {
  document.title = frame.title;
  const root = document.getElementById('page');
  if (root !== null) render(<Frame {...frame} />, root);
}
