// The difference images are computed here from the two pictures, so that they weigh nothing in the file.

if (byId("amplify")) {
    const figures = [...document.querySelectorAll(".samples figure")];
    const amplify = byId("amplify");
    const factors = [...amplify.options].map(option => Number(option.value));

    const pixelsOf = picture => {
        const canvas = document.createElement("canvas");
        canvas.width = picture.naturalWidth;
        canvas.height = picture.naturalHeight;
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(picture, 0, 0);
        return context.getImageData(0, 0, canvas.width, canvas.height);
    };

    // |a - b| of each colour, not amplified; null for pictures of two sizes.
    const differenceOf = (a, b) => {
        if (a.width !== b.width || a.height !== b.height) {
            return null;
        }
        const difference = new ImageData(a.width, a.height);
        for (let i = 0; i < a.data.length; i++) {
            difference.data[i] = i % 4 === 3 ? 255 : Math.abs(a.data[i] - b.data[i]);
        }
        return difference;
    };

    const draw = (canvas, difference, factor) => {
        canvas.width = difference.width;
        canvas.height = difference.height;
        const amplified = new ImageData(difference.width, difference.height);
        amplified.data.set(difference.data.map((value, i) => (i % 4 === 3 ? 255 : Math.min(255, value * factor))));
        canvas.getContext("2d").putImageData(amplified, 0, 0);
    };

    // The strongest factor at which no more than one value in a hundred is cut off.
    const fittingFactor = differences => {
        const counts = new Array(256).fill(0);
        let total = 0;
        for (const { data } of differences) {
            data.forEach((value, i) => i % 4 !== 3 && (counts[value]++, total++));
        }
        const share = factor => counts.reduce((sum, n, value) => (value * factor > 255 ? sum + n : sum), 0) / total;
        return factors.findLast(factor => total === 0 || share(factor) <= 0.01) ?? factors[0];
    };

    const pairs = [];
    for (const figure of figures) {
        const [before, after] = figure.querySelectorAll("img");
        await Promise.all([before.decode(), after.decode()]);
        const difference = differenceOf(pixelsOf(before), pixelsOf(after));
        if (difference) {
            const canvas = document.createElement("canvas");
            canvas.setAttribute("role", "img");
            after.after(canvas);
            pairs.push({ figure, canvas, difference });
        }
    }

    const show = factor => {
        amplify.value = String(factor);
        byId("difference-factor").textContent = String(factor);
        for (const { figure, canvas, difference } of pairs) {
            draw(canvas, difference, factor);
            canvas.setAttribute("aria-label", `Difference of image ${figure.dataset.image}, times ${factor}`);
        }
    };
    amplify.addEventListener("change", () => show(Number(amplify.value)));
    show(fittingFactor(pairs.map(pair => pair.difference)));

    const dialog = byId("enlarged");
    const enlarge = figure => {
        const pair = pairs.find(p => p.figure === figure);
        const [before, after] = figure.querySelectorAll("img");
        const large = pair && document.createElement("canvas");
        if (large) {
            draw(large, pair.difference, Number(amplify.value));
            large.setAttribute("role", "img");
            large.setAttribute("aria-label", pair.canvas.getAttribute("aria-label"));
        }
        const titled = [
            ["float", before.cloneNode()],
            ["quantized", after.cloneNode()],
            [`difference × ${amplify.value}`, large],
        ].filter(([, picture]) => picture);
        dialog.querySelector(".enlarged").replaceChildren(...titled.map(([title, picture]) => {
            const framed = document.createElement("figure");
            const caption = document.createElement("figcaption");
            caption.textContent = title;
            framed.append(picture, caption);
            return framed;
        }));
        const psnr = figure.querySelector("figcaption").lastChild.textContent.trim();
        byId("enlarged-title").textContent = `Image ${figure.dataset.image}, PSNR ${psnr}`;
        dialog.showModal();
    };
    for (const figure of figures) {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-label", `Enlarge image ${figure.dataset.image}`);
        button.addEventListener("click", () => enlarge(figure));
        figure.append(button);
    }
}
