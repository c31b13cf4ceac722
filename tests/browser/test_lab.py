"""The Lab as a visitor meets it."""

from __future__ import annotations

from playwright.sync_api import expect

from browser.acts import open_tab


def test_blocks_are_pressed_by_mouse_and_keyboard_and_put_back(visit, own_server):
    page = visit(address=own_server, query="tab=lab&depth=34")
    row, second = page.locator("#lab-board"), page.locator("#lab-pair article").nth(1)
    expect(row.get_by_role("button", name="Leave out block", exact=False)).to_have_count(16)
    block = row.get_by_role("button", name="Leave out block layer1.1", exact=True)
    block.click()
    expect(block).to_have_attribute("aria-pressed", "true")
    expect(second).to_contain_text("Without layer1.1")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(second).to_contain_text("Without layer1.1, layer1.2")
    expect(page.locator("#lab-note")).to_contain_text("2 of 16 blocks out")
    row.get_by_role("button", name="Put all back").click()
    expect(second).to_contain_text("Press a block above")
    expect(row.locator("[aria-pressed=true]")).to_have_count(0)
    page.locator("#lab-depth").get_by_text("18", exact=True).click()
    expect(row.get_by_role("button", name="Leave out block", exact=False)).to_have_count(8)
    expect(page.locator("#lab-note")).to_contain_text("All 8 blocks are in")
    row.get_by_role("button", name="Try each").click()
    expect(page.locator("#lab-tried i")).to_have_count(8)
    page.locator("#lab-examples .gallery-item").nth(1).click()
    expect(page.locator("#lab-tried i:visible")).to_have_count(0)  # They were of the photo before.


def test_fresh_networks_are_measured_and_stages_are_seen_in_chinese(visit, own_server, shoot):
    page = visit(address=own_server, query="tab=lab&depth=34&language=zh")
    knobs, layers = page.locator(".lab-knobs"), page.locator(".lab-layers")
    said, curve = layers.get_by_role("status"), layers.locator("figure").first.locator("polyline").last
    expect(said).to_contain_text("ResNet-56（有批归一化）：第一个卷积的梯度")
    expect(layers.locator("polyline")).to_have_count(4)
    curves = [curve.get_attribute("points")]
    for turn, network in (
        (knobs.get_by_text("20", exact=True).click, "ResNet-20（有批归一化）"),
        (knobs.get_by_label("捷径", exact=True).uncheck, "普通-20（有批归一化）"),
        (knobs.get_by_label("批归一化", exact=True).uncheck, "普通-20（无批归一化）"),
    ):
        turn()
        expect(said).to_contain_text(f"{network}：第一个卷积的梯度")
        expect(curve).not_to_have_attribute("points", curves[-1])
        curves.append(curve.get_attribute("points"))
    assert len(set(curves)) == 4
    expect(page.locator(".lab-recorded polyline")).to_have_count(20)
    expect(page.get_by_role("heading", name="训练中的五个陷阱")).to_be_visible()
    expect(page.locator(".lab-traps h3")).to_have_count(5)

    page.locator(".lab-stages").scroll_into_view_if_needed()
    expect(page.locator(".lab-seen ol")).to_have_count(4)
    expect(page.locator(".lab-seen [role=img]")).to_have_count(32)
    expect(page.locator(".lab-stages")).to_contain_text("layer3：64 个通道，每个 4 × 4")
    sheet = page.locator(".lab-seen ol").first.evaluate(
        """async (list) => {
            const picture = new Image();
            picture.src = /url\\('(.*)'\\)/.exec(list.style.getPropertyValue("--sheet"))[1];
            await picture.decode();
            return picture.naturalWidth;
        }"""
    )
    assert sheet > 8 * 60  # eight small pictures side by side
    shoot(page, "lab-chinese")


def test_compare_leads_to_the_lab_with_its_network_and_photo(visit, own_server):
    page = visit(address=own_server)
    open_tab(page, "compare")
    page.locator("#compare-examples .gallery-item").nth(1).click()
    page.get_by_role("link", name="Take blocks out of ResNet-34").click()
    expect(page.get_by_role("tab", name="Lab")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#lab-depth .selected")).to_have_text("34")
    expect(page.locator("#lab-examples [aria-pressed=true]")).to_have_attribute("aria-label", "Dahlia")
    expect(page.locator("#lab-board [data-block]")).to_have_count(16)
