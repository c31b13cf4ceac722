from resnet_demo.commands import main

raise SystemExit(main())
