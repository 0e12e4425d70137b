import { useEffect, useRef, type RefObject } from "react";
import uPlot from "uplot";

import type { Theme } from "./theme";

export type PlotOptions = Omit<uPlot.Options, "width" | "height">;

interface PlotProps {
  options: PlotOptions;
  data: uPlot.AlignedData;
  theme: Theme;
  className: string;
  /** Where the drawn plot is found, for whoever moves its cursor. */
  plotRef?: RefObject<uPlot | null>;
}

/** A chart as wide and high as its styles say, on a canvas: whoever can't see it needs words beside. */
export function Plot({ options, data, theme, className, plotRef }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | null>(null);
  const first = useRef({ options, data });
  useEffect(() => {
    first.current = { options, data };
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const size = () => ({ width: element.clientWidth, height: element.clientHeight });
    const made = new uPlot({ ...first.current.options, ...size() }, first.current.data, element);
    drawn.current = made;
    if (plotRef) plotRef.current = made;
    const resized = new ResizeObserver(() => made.setSize(size()));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      drawn.current = null;
      if (plotRef) plotRef.current = null;
    };
    // Another theme needs another chart; other data and lines do not.
  }, [theme, plotRef]);
  useEffect(() => drawn.current?.setData(data), [data]);
  return <div ref={box} className={className} aria-hidden="true" />;
}
