/** Strips under the top bar: what the person has to know or decide before going on. */
import { CircleAlert, Info, X } from "lucide-react";
import { assertNever } from "../base/assert.ts";
import type { App } from "../state/app.ts";
import { displayName, isDropped } from "../state/device.ts";
import { visibleText } from "../state/visible-text.ts";
import { bannerKey } from "../state/store.ts";
import type { Usage } from "../protocol/index.ts";
import type { Banner } from "../state/store.ts";
import { formatRoughBytes } from "../state/units.ts";
import { useApp, useAppState, useHouses, useShown } from "./context.ts";

export function Banners() {
  const app = useApp();
  const attached = useAppState((state) => state.attached);
  const image = attached?.facts.image;
  return (
    <>
      {attached !== null && isDropped(attached.file) && (
        <div className="strip" role="status">
          <Info size={16} aria-hidden="true" />
          <p>
            <strong>{displayName(attached.file)}</strong> is open read-only, where it lies on this machine. In commands its name is <span className="mono">{visibleText(attached.file)}</span>.
          </p>
          <button type="button" className="button" onClick={() => void app.library.editCopy()}>
            Edit a copy
          </button>
        </div>
      )}
      {attached !== null && attached.snapshot !== null && (
        <div className="strip" role="status">
          <Info size={16} aria-hidden="true" />
          <p>
            The snapshot <strong>{visibleText(attached.snapshot.name)}</strong> of {displayName(attached.file)} is shown as the disk, read-only.
          </p>
          <button type="button" className="button" onClick={() => void app.inspectorWork.viewSnapshot(null)}>
            Back to the disk
          </button>
        </div>
      )}
      {attached !== null && attached.snapshot === null && !isDropped(attached.file) && image?.readOnly === true && (
        <div className="strip" role="status">
          <Info size={16} aria-hidden="true" />
          <p>
            <strong>{attached.file}</strong> is open read-only{image.readOnlyReason === null ? "" : `: ${image.readOnlyReason}`}.
          </p>
        </div>
      )}
      <LinkProblem />
      <BannerList />
    </>
  );
}

/** What has to be dealt with, and no more. */
export function BannerList() {
  const app = useApp();
  const banners = useAppState((state) => state.banners);
  return banners.map((banner) => <Strip key={bannerKey(banner)} banner={banner} app={app} />);
}

/** In a frame: what did not come off, and nothing else. */
export function FailureBanners() {
  const app = useApp();
  const banners = useAppState((state) => state.banners);
  return (
    <div className="failures">
      {banners.filter(isSerious).map((banner) => (
        <Strip key={bannerKey(banner)} banner={banner} app={app} />
      ))}
    </div>
  );
}

/** Why the address is no link that can be played. */
function LinkProblem() {
  const houses = useHouses();
  const { problem } = useShown();
  if (problem === null) return null;
  return (
    <div className="strip serious" role="alert">
      <CircleAlert size={16} aria-hidden="true" />
      <p>
        <strong>{problem.title}.</strong> {problem.why} {problem.instead ?? ""}
      </p>
      <button type="button" className="button quiet icon" aria-label="Dismiss" onClick={() => houses.leave()}>
        <X size={15} aria-hidden="true" />
      </button>
    </div>
  );
}

const isSerious = (banner: Banner): boolean => banner.kind === "failure" || banner.kind === "flush-failed" || banner.kind === "full";

function Strip({ banner, app }: { banner: Banner; app: App }) {
  const serious = isSerious(banner);
  const Icon = serious ? CircleAlert : Info;
  return (
    <div className={serious ? "strip serious" : "strip"} role={serious ? "alert" : "status"}>
      <Icon size={16} aria-hidden="true" />
      <p>{banner.kind === "full" ? <Full banner={banner} /> : sentence(banner)}</p>
      {(banner.kind === "in-use" || banner.kind === "taken-over") && (
        <button type="button" className="button" onClick={() => void app.device.takeOver(banner.file)}>
          Take over
        </button>
      )}
      {(banner.kind === "full" || (banner.kind === "flush-failed" && banner.full)) && (
        <button type="button" className="button" onClick={() => app.page.openDialog({ kind: "storage" })}>
          Make room
        </button>
      )}
      {(banner.kind === "update" || banner.kind === "outdated") && (
        <button type="button" className="button" onClick={() => void app.page.update()}>
          {banner.kind === "update" ? "Update now" : "Reload"}
        </button>
      )}
      <button type="button" className="button quiet icon" aria-label="Dismiss" onClick={() => app.page.dismissBanner(bannerKey(banner))}>
        <X size={15} aria-hidden="true" />
      </button>
    </div>
  );
}

/** Free room beside which the quota that is named is not what ran out, in bytes: browsers name more than they give, or than the machine's disk has. */
const PLENTY = 256 * 1024 * 1024;

/** What found no room, how much is used, and what is safe. */
function Full({ banner: { about, why } }: { banner: Extract<Banner, { kind: "full" }> }) {
  const usage = useAppState((state) => state.library.usage);
  return (
    <>
      <strong>{about === null ? "No space left." : `${about}: No space left.`}</strong> {why} {usage === null ? "" : usedWords(usage)}What was flushed before is safe.
    </>
  );
}

function usedWords({ usedBytes, quotaBytes }: Usage): string {
  const used = formatRoughBytes(usedBytes);
  const quota = formatRoughBytes(quotaBytes);
  if (quotaBytes - usedBytes < PLENTY) return `${used} of the ${quota} that this browser gives are used. `;
  return `${used} are used here: the machine's disk may be full, or the browser gives less than the ${quota} that it names. `;
}

function sentence(banner: Exclude<Banner, { kind: "full" }>) {
  switch (banner.kind) {
    case "memory":
      return "This browser offers no private file system here, so images are kept in memory and are gone with this tab. Save what you want to keep.";
    case "update":
      return "A new version of zonescope is ready. It starts when every tab is closed, or now: the image is flushed first.";
    case "outdated":
      return "Another tab updated zonescope. This one goes on with the parts that it has loaded; the others come when it is loaded anew.";
    case "taken-over":
      return `Another tab took ${banner.file} over. It was flushed and closed here; nothing was lost.`;
    case "in-use":
      return `${banner.file} is open in another tab. Take it over: that tab flushes it and lets go.`;
    case "flush-failed":
      return `A flush of ${banner.file} failed. ${banner.text.why} What was written since the flush before it may be lost.`;
    case "failure":
      return (
        <>
          <strong>
            {banner.about}: {banner.text.title}.
          </strong>{" "}
          {banner.text.why} {banner.text.instead ?? ""}
        </>
      );
    default:
      return assertNever(banner);
  }
}
